"""Digits of places, against an index that says where each number of a tensor came from."""

import pytest
import torch

from resviz.probes.receptive_field.axis import Axis
from resviz.probes.receptive_field.tracing.layout import (
    FREE,
    Digit,
    Layout,
    layout_of,
    mix_over,
    regrouped,
    sum_over,
    with_layout,
)
from resviz.probes.receptive_field.tracing.tensor import MAP, SPLIT, Fields

UNITS = (6, 4)
SHAPE = (1, 3, *UNITS)
FIELDS = Fields(Axis(), Axis(), UNITS)


def places(layout: Layout, axis: int) -> torch.Tensor:
    """The row or column that the layout says each number stands in."""
    index = torch.zeros((), dtype=torch.int64)
    for digits in layout:
        along = torch.zeros((1,), dtype=torch.int64)
        for digit in digits:
            step = digit.scale if digit.axis == axis else 0
            along = (along[:, None] + step * torch.arange(digit.size)).reshape(-1)
        index = index[..., None] + along
    return index


def truth(axis: int) -> torch.Tensor:
    line = torch.arange(UNITS[axis])
    return (line[:, None] if axis == 0 else line[None, :]).expand(SHAPE)


@pytest.mark.parametrize(
    "shape", [(1, 3, 24), (3, 6, 2, 2), (1, 3, 2, 3, 2, 2), (1, 3, 3, 2, 4), (18, 4), (72,)]
)
def test_a_reshape_leaves_every_number_at_its_place(shape: tuple[int, ...]):
    layout = regrouped(layout_of(SHAPE, FIELDS), shape)
    for axis in (0, 1):
        assert torch.equal(places(layout, axis), truth(axis).reshape(shape))


def test_a_dimension_that_begins_in_the_middle_of_a_row_has_no_digits():
    assert regrouped(layout_of(SHAPE, FIELDS), (1, 3, 8, 3)) is None


def test_there_and_back_is_the_plain_form():
    joined = with_layout(FIELDS, regrouped(layout_of(SHAPE, FIELDS), (1, 3, 24)))
    assert joined.dims == SPLIT
    back = regrouped(layout_of((1, 3, 24), joined), (1, 3, 6, 4))
    assert with_layout(joined, back) == FIELDS
    assert FIELDS.dims == MAP


WINDOWS = ((Digit(0, 3, 2), Digit(1, 2, 2)), (Digit(0, 1, 3), Digit(1, 1, 2)), (Digit(FREE, 1, 5),))


def test_a_sum_over_neighbours_leaves_a_coarser_map():
    fields = sum_over(with_layout(FIELDS, WINDOWS), 1, WINDOWS)
    assert fields.units == (2, 2)
    assert [fields.rows.interval(unit) for unit in (0, 1)] == [(0, 2), (3, 5)]
    assert [fields.columns.interval(unit) for unit in (0, 1)] == [(0, 1), (2, 3)]
    assert fields.layout[0] == (Digit(0, 1, 2), Digit(1, 1, 2))


def test_a_sum_over_units_far_apart_sees_the_whole_image():
    fields = sum_over(with_layout(FIELDS, WINDOWS), 0, WINDOWS)
    assert fields.units == (3, 2)
    assert fields.rows.whole
    assert fields.columns.whole


def test_what_mixes_neighbours_and_leaves_them_shows_each_all_of_them():
    fields = mix_over(with_layout(FIELDS, WINDOWS), 1, WINDOWS)
    assert fields.units == UNITS
    assert [fields.rows.interval(unit) for unit in (0, 2, 3)] == [(0, 2), (0, 2), (3, 5)]
