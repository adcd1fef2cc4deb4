"""Heatmaps, courses and beginnings show the numbers they were given, on the scale that their kind names."""

import numpy as np
import pytest

from resviz.figures.batchnorm.folding import factors
from resviz.figures.batchnorm.no_norm import spread
from resviz.figures.batchnorm.through_training import (
    Beginning,
    Course,
    beginnings,
    courses,
    heatmap,
    reach,
)
from resviz.figures.batchnorm.train_eval_gap import lines

STEPS = np.array([0, 10, 20])
VALUES = np.array([[-1.0, 0.01], [2.0, 1.0], [-3.0, 100.0]])
TITLES = ("step", "layer", "quantity")


def cells(kind: str, values: np.ndarray = VALUES):
    return heatmap(STEPS, values, ("bn1", "bn2"), 1, kind, TITLES, dark=False).data[0]


def test_signed_colours_are_centred_on_zero_and_reach_as_far_as_most_numbers():
    found = cells("signed")
    np.testing.assert_array_equal(found.z, VALUES.T)
    assert found.zmin == -found.zmax
    assert found.zmax == pytest.approx(np.quantile(np.abs(VALUES), 0.95))
    middle = found.colorscale[len(found.colorscale) // 2]
    assert (middle[0], middle[1]) == (0.5, "rgb(255,255,255)")


def test_powers_of_ten_leave_out_what_is_not_positive():
    found = cells("powers")
    np.testing.assert_allclose(found.z, [[np.nan, np.log10(2), np.nan], [-2, 0, 2]])
    assert (found.zmin, found.zmax) == (-2, 2)
    assert list(found.colorbar.ticktext) == ["0.01", "0.1", "1", "10", "100"]


def test_ordered_colours_reach_from_the_smallest_to_the_largest():
    found = cells("ordered")
    assert (found.zmin, found.zmax) == (-3, 100)


def test_numbers_that_are_none_are_left_empty_and_named_under_the_pointer():
    values = VALUES.copy()
    values[1, 0] = np.inf
    found = cells("signed", values)
    assert np.isnan(found.z[0][1])
    assert found.customdata[1][2][0] == 100
    assert found.text[1][0] == "bn2"
    assert reach(np.array([[np.nan]])) == reach(np.zeros((2, 2))) == 1


def test_the_frame_is_round_the_chosen_layer():
    frame = heatmap(STEPS, VALUES, ("bn1", "bn2"), 1, "signed", TITLES, dark=True).layout.shapes[0]
    assert (frame.y0, frame.y1) == (1.5, 2.5)


def test_a_band_lies_one_deviation_around_the_mean():
    figure = courses(
        STEPS, [Course("mean", VALUES[:, 0], np.array([1.0, 2.0, 0.5]))], "step", dark=False
    )
    band, line = figure.data
    assert list(line.y) == [-1, 2, -3]
    assert (band.mode, line.mode) == ("lines", "lines"), "no dots at the band's edges"
    assert list(band.y) == [0, 4, -2.5, -3.5, 0, -2]
    assert list(band.x) == [0, 10, 20, 20, 10, 0]


def test_a_beginning_starts_before_the_first_step():
    part = Beginning("mean", np.array([0.0, 0.1, 0.29]), np.array([1.0, 2.0]))
    line, dots = beginnings([part], ("average", "batch"), "steps", dark=False).data
    assert (list(line.x), list(line.y)) == ([0, 1, 2], [0, 0.1, 0.29])
    assert (list(dots.x), list(dots.y)) == ([1, 2], [1, 2])


def test_the_two_ways_of_a_network_are_told_apart_by_dash_and_mark_as_well():
    figure = lines(
        [1, 2],
        np.array([0.5, 0.9]),
        np.array([0.4, 0.8]),
        (np.array([1.0]), np.array([0.7])),
        ("",) * 5,
        False,
    )
    stored, own, recorded = figure.data
    assert [list(trace.y) for trace in figure.data] == [[0.5, 0.9], [0.4, 0.8], [0.7]]
    assert len({stored.line.dash, own.line.dash, recorded.line.dash}) == 3
    assert stored.marker.symbol != own.marker.symbol


def test_factors_stand_above_biases():
    scale, bias = factors(
        np.array([1.0, 0.0]), np.array([-2.0, 3.0]), ("channel", "factor", "bias"), False
    ).data
    assert (list(scale.y), list(bias.y)) == ([1, 0], [-2, 3])


def test_spreads_are_drawn_on_powers_of_ten_around_one():
    figure = spread(["conv1", "conv2"], [0.01, 100.0], "deviation", False)
    assert list(figure.data[0].y) == [0.01, 100]
    assert figure.layout.yaxis.type == "log"
    low, high = figure.layout.yaxis.range
    assert low < -2
    assert high > 2
    assert figure.layout.shapes[0].y0 == 1
    low, high = spread(["a"], [0.0], "deviation", False).layout.yaxis.range
    assert low < 0 < high


def test_few_decades_have_whole_numbers_at_one_two_and_five():
    axis = spread(["a", "b"], [0.2, 1.5], "deviation", False).layout.yaxis
    inside = [
        t
        for v, t in zip(axis.tickvals, axis.ticktext, strict=True)
        if axis.range[0] < np.log10(v) < axis.range[1]
    ]
    assert inside == ["0.2", "0.5", "1"]
    assert axis.dtick is None
