"""The curves of field sizes, and the shares of a small stack."""

import numpy as np
import pytest

from resviz.figures.receptive_field.growth import (
    Curve,
    GrowthLabels,
    ShareLabels,
    colours,
    over_depth,
    shares,
)
from resviz.figures.theme import PLAIN, RESIDUAL


def test_over_depth_has_a_line_and_marks_for_each_network_and_the_image():
    curves = [
        Curve("one", "residual", [1, 2, 3], [3, 5, 7], [(1, 2.5), (3, 4.0)]),
        Curve("two", "plain", [1, 2], [3, 9], []),
    ]
    figure = over_depth(curves, 32, GrowthLabels("depth", "side", "image", "sees", "moves"), False)
    assert [(list(t.x), list(t.y)) for t in figure.data] == [
        ([1, 2, 3], [3, 5, 7]), ([1, 3], [2.5, 4.0]), ([1, 2], [3, 9])
    ]  # fmt: skip
    assert [t.line.color for t in figure.data] == [RESIDUAL, RESIDUAL, PLAIN]
    assert figure.data[1].line.dash == "dash"
    assert figure.layout.shapes[0].y0 == figure.layout.shapes[0].y1 == 32
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.annotations[0].y == pytest.approx(np.log10(figure.layout.shapes[0].y0)), (
        "a power of ten"
    )


def test_no_two_networks_share_a_colour():
    found = colours(["residual", "plain", "residual", "", "plain", ""])
    assert found[:2] == [RESIDUAL, PLAIN]
    assert len(set(found)) == 6


def test_shares_are_centred_on_the_middle_pixel():
    figure = shares(np.array([0.25, 0.5, 0.25]), ShareLabels("pixel", "share"), True)
    assert list(figure.data[0].x) == [-1, 0, 1]
    assert list(figure.data[0].y) == [0.25, 0.5, 0.25]
