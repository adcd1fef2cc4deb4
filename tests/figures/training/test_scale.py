"""Ticks are round numbers that cover the axis; the top of a scale is little above what it holds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resviz.figures.training.scale import rounded_up, ticks

ENDS = st.floats(1e-4, 1e6, allow_nan=False)


@given(ENDS)
def test_ticks_lie_at_equal_round_distances_and_reach_near_the_end(end):
    found = ticks(end)
    step = found[1] - found[0]
    assert found[0] == 0
    assert 4 <= len(found) <= 14
    assert end - step * 1.001 <= found[-1] <= end * 1.001
    leading = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert min(abs(leading - round_) for round_ in (1, 2, 5, 10)) < 1e-3


@given(ENDS)
def test_the_top_holds_the_value_and_little_more(value):
    assert value * (1 - 1e-6) <= rounded_up(value) <= value * 1.25


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_nothing_has_a_scale_to_one(value):
    assert rounded_up(value) == 1.0
