"""A logarithmic axis shows whole numbers, whether it spans little or much."""

import math

import numpy as np
import pytest

from resviz.figures.log_axis import common_range, decades


def inside(axis):
    low, high = axis["range"]
    return [
        text
        for tick, text in zip(axis["tickvals"], axis["ticktext"], strict=True)
        if low <= math.log10(tick) <= high
    ]


def test_little_spread_gets_the_least_span_and_ticks_at_one_two_and_five():
    axis = decades([1.0], 2)
    assert axis["range"] == pytest.approx([-1.1, 1.1])
    assert inside(axis) == ["0.1", "0.2", "0.5", "1", "2", "5", "10"]
    assert inside(decades([0.21, 0.9], 1)) == ["0.2", "0.5", "1"]


def test_much_spread_gets_powers_of_ten_and_at_most_nine_of_them():
    axis = decades([1e-20, 1e-3, 1.0], 1)
    assert axis["range"] == pytest.approx([-21, 1])
    assert axis["dtick"] in (2, 3)
    assert decades([0.01, 1.0], 1)["dtick"] == 1


def test_what_is_not_positive_or_no_number_is_left_out():
    assert decades([0.0, -1.0, math.nan, math.inf], 1) == {}
    assert decades([0.0, math.nan, 10.0], 1) == decades([10.0], 1)


def test_a_common_range_reaches_from_the_smallest_to_the_largest_of_all_runs():
    values = np.array([[1e3, 1.0], [1e-2, 10.0], [0.0, np.inf]])
    assert common_range([values, values[:2] / 1e3]) == pytest.approx((-5, 3))
    assert common_range([np.ones((2, 2))]) == (-0.5, 0.5)
    assert common_range([np.zeros((2, 2))]) == common_range([]) == (-1, 0)
