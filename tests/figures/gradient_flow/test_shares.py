"""Shares have a panel for each direction, and one legend and one axis title for both."""

import numpy as np

from resviz.figures.gradient_flow.shares import Labels, shares
from tests.figures.gradient_flow.test_profile import line

LABELS = Labels(backward="back", forward="forth", depth="depth")


def test_shares_have_a_panel_each_way_and_one_legend():
    back, forth = (
        line([[0.5, 1.2]], "residual", "Residual-8"),
        line([[0.1, 0.2]], "residual", "Residual-8"),
    )
    figure = shares([back], [forth], LABELS, dark=False)
    assert [list(curve.y) for curve in figure.data] == [[0.5, 1.2], [0.1, 0.2]]
    assert [curve.showlegend for curve in figure.data] == [True, False]
    assert figure.layout.yaxis.range[0] < 0 < 1.2 < figure.layout.yaxis.range[1]
    texts = [note.text for note in figure.layout.annotations]
    assert texts == ["depth", "<b>back</b>", "<b>forth</b>"]


def test_a_share_below_zero_is_drawn_and_one_of_nothing_is_a_gap():
    back = line([[-0.5, np.nan, 0.5]], "residual", "Residual-8")
    figure = shares([back], [back], LABELS, dark=True)
    assert figure.data[0].y[0] == -0.5
    assert figure.layout.yaxis.range[0] < -0.5
    only_gaps = line([[np.nan]], "fixup", "Fixup-8")
    low, high = shares([only_gaps], [], LABELS, dark=True).layout.yaxis.range
    assert low < 0 < 1 < high


def test_before_anything_is_measured_the_picture_has_its_size():
    empty, full = shares([], [], LABELS, False), shares([line([[1, 2]])], [], LABELS, False)
    assert empty.layout.height == full.layout.height
