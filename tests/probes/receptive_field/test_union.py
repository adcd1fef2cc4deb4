"""Where branches meet: hulls of intervals, and what a gate leaves of a field."""

from itertools import product

import pytest

from resviz.probes.receptive_field.axis import Axis, transposed, window
from resviz.probes.receptive_field.union import union

UNITS = range(9)
UNEVEN = transposed(window(Axis(), 3, 2, 1), 3, 2, 1)


def intervals(axis: Axis) -> list[tuple[int, int]]:
    return [(axis.first(unit), axis.last(unit)) for unit in UNITS]


@pytest.mark.parametrize(
    ("a", "b"), [*product([Axis(), window(Axis(), 5, 1, 2), UNEVEN], repeat=2)]
)
def test_a_union_is_the_hull_of_both(a, b):
    expected = [
        (min(first, other), max(last, end))
        for (first, last), (other, end) in zip(intervals(a), intervals(b), strict=True)
    ]
    assert intervals(union(a, b, len(UNITS))) == expected


GATE = Axis().entire().stretched(9)


def test_a_gate_leaves_the_field_of_what_it_scales():
    scaled = union(window(Axis(), 3, 1, 1), GATE, 9)
    assert (scaled.whole, scaled.gated) == (True, True)
    assert intervals(scaled) == intervals(window(Axis(), 3, 1, 1))
    again = union(window(scaled, 3, 1, 1), GATE, 9)
    assert (again.whole, again.gated, again.size) == (True, True, 5)


def test_what_sees_the_whole_image_place_by_place_is_no_gate():
    mixed = Axis().entire()  # each unit in its own way, as in attention
    assert not union(window(Axis(), 3, 1, 1), mixed, 9).gated
    assert not union(union(Axis(), GATE, 9), mixed, 9).gated
    assert not union(GATE, GATE._replace(least=1), 9).gated
