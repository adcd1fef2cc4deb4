"""A map stands over the scale of its values, with the numbers at the ends."""

import numpy as np

from resviz.figures.raster import Range
from resviz.ui.widgets.colour_scale import map_with_scale, scale_bar


def test_the_ends_of_a_scale_are_those_of_its_range():
    html = scale_bar(Range(-1.25, 1.25, True))
    assert html.index(">-1.25<") < html.index(">1.25<")


def test_a_map_stands_over_its_scale_and_says_what_it_is():
    html = map_with_scale(np.eye(2), Range(0.0, 1.0, False), "a <map>")
    assert 'alt="a &lt;map&gt;"' in html
    assert html.index("<img") < html.index("legend")
