"""The ladder of layers: boxes on one scale, nothing unescaped."""

import re

from resviz.figures.receptive_field.ladder import Rung, ladder


def test_the_ladder_draws_boxes_on_one_scale_and_frames_the_chosen_layer():
    rungs = [Rung("a", "a<b", 12, 6.0, "hint"), Rung("b", "b", 48, None, "h")]
    html = ladder(rungs, 24, "b")
    widths = [float(w) for w in re.findall(r'<rect [^>]*? width="([\d.]+)"', html)]
    assert widths == [24, 12, 48, 96, 48]  # field, effective and image; field and image
    assert 'class="rung on" data-pick="b"' in html
    assert "a&lt;b" in html
