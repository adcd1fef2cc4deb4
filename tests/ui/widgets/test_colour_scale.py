"""A map with the colours that its values have."""

import numpy as np

from resviz.figures import raster
from resviz.ui.widgets.colour_scale import map_with_scale, scale_bar


def test_a_scale_says_the_values_at_its_ends_with_three_digits() -> None:
    bar = scale_bar(raster.Range(-1.23456, 1.23456, True))
    assert "-1.23<" in bar
    assert ">1.23<" in bar


def test_signed_and_unsigned_values_have_other_colours() -> None:
    signed, unsigned = (scale_bar(raster.Range(0, 1, sign)) for sign in (True, False))
    assert signed != unsigned


def test_a_map_carries_its_words_and_its_scale() -> None:
    scale = raster.Range(0, 3, False)
    html = map_with_scale(np.arange(4.0).reshape(2, 2), scale, 'a "map"')
    assert html.endswith(scale_bar(scale))
    assert 'alt="a &quot;map&quot;"' in html
