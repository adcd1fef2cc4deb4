"""The curves of receptive fields hold the numbers given, and the image's line stands at its size."""

import numpy as np
import pytest

from resviz.figures.field_charts import Curve, Titles, colours, over_depth, shares
from resviz.figures.theme import PLAIN, RESIDUAL

TITLES = Titles("layers", "pixels", "the image", "could see", "moves it")


def test_lines_are_theoretical_marks_effective_and_the_image_stands_at_its_side():
    curves = [Curve("a", "residual", [1, 2], [7, 27], [(2, 9.5)]), Curve("b", "plain", [1], [3], [])]
    figure = over_depth(curves, 128, TITLES, dark=False)
    assert [trace.name for trace in figure.data] == ["a · could see", "a · moves it", "b · could see"]
    assert (list(figure.data[0].y), list(figure.data[1].y)) == ([7, 27], [9.5])
    assert [trace.line.color for trace in figure.data] == [RESIDUAL, RESIDUAL, PLAIN]
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.shapes[0].y0 == 128
    assert figure.layout.annotations[0].y == pytest.approx(np.log10(128)), "a power of ten, or the axis reaches 10^128"


def test_no_two_networks_share_a_colour():
    found = colours(["residual", "residual", "plain", "plain", "vgg"])
    assert (found[0], found[2]) == (RESIDUAL, PLAIN)
    assert len(set(found)) == 5


def test_bars_stand_at_pixels_from_the_centre():
    bars = shares(np.array([0.25, 0.5, 0.25]), "pixel", "share", dark=True).data[0]
    assert (list(bars.x), list(bars.y)) == ([-1, 0, 1], [0.25, 0.5, 0.25])
