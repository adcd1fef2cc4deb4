"""Fields along one axis: tables by hand, and sums of intervals unit by unit."""

import pytest

from resviz.probes.receptive_field.axis import Axis, adaptive, enlarged, transposed, window

UNITS = range(-4, 9)


def intervals(axis: Axis) -> list[tuple[int, int]]:
    return [(axis.first(unit), axis.last(unit)) for unit in UNITS]


def hull(axis: Axis, units: list[int]) -> tuple[int, int]:
    return min(axis.first(u) for u in units), max(axis.last(u) for u in units)


START = window(Axis(), 3, 2, 1)
UNEVEN = transposed(START, 3, 2, 1)


def test_the_recurrence_by_hand():
    assert (START.size, START.first(0), START.first.rate) == (3, -1, 2)
    second = window(START, 3, 2, 1)
    assert (second.size, second.first(0), second.first.rate) == (7, -3, 4)


@pytest.mark.parametrize("axis", [Axis(), START, UNEVEN])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"), [(1, 1, 0, 1), (3, 1, 1, 1), (2, 3, 0, 2)]
)
def test_a_window_sees_the_hull_of_its_units(axis, kernel, stride, padding, dilation):
    looked_at = [[u * stride - padding + k * dilation for k in range(kernel)] for u in UNITS]
    expected = [hull(axis, units) for units in looked_at]
    assert intervals(window(axis, kernel, stride, padding, dilation)) == expected


@pytest.mark.parametrize("axis", [Axis(), START])
def test_a_transposed_window_sees_the_hull_of_the_units_that_reach_it(axis):
    kernel, stride, padding = 4, 2, 1
    reached = [
        [v for v in range(-20, 20) if 0 <= unit + padding - v * stride < kernel] for unit in UNITS
    ]
    expected = [hull(axis, units) for units in reached]
    assert intervals(transposed(axis, kernel, stride, padding)) == expected


def test_a_pooling_to_one_unit_is_a_mean_over_the_map():
    assert adaptive(START, 8, 1).whole
    assert not adaptive(START, 8, 2).whole


def test_nearest_neighbours_repeat_units():
    assert intervals(enlarged(Axis(), 4, 8, 0, corners=False))[4:8] == [
        (0, 0), (0, 0), (1, 1), (1, 1)
    ]  # fmt: skip
