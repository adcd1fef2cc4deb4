"""Padding that repeats pixels: what the units at the border see of the image beyond their place.

Circular padding shows a unit the pixels of the opposite border, reflecting padding those it
mirrors, replicating padding the last one. Units inside are as with zeros, so that the edges of
their fields hold; units at the border get an interval of their own, the smallest around all that
they see.
"""

from collections.abc import Callable
from math import ceil, floor

from resviz.probes.receptive_field.axis import Axis, window

_Source = Callable[[int, int], int]  # of a padded unit and the number of units, the repeated unit

_SOURCES: dict[str, _Source] = {
    "circular": lambda unit, units: unit % units,
    "reflect": lambda unit, units: _mirrored(unit, units),
    "replicate": lambda unit, units: min(max(unit, 0), units - 1),
}


def _mirrored(unit: int, units: int) -> int:
    """The unit that stands in for one outside; the border itself is not repeated."""
    unit %= max(1, 2 * units - 2)
    return min(unit, 2 * units - 2 - unit)


def repeat_border(axis: Axis, mode: str, before: int, behind: int, units: int) -> Axis:
    """After padding `units` units in one of torch's modes but "constant"."""
    if not (before or behind):
        return axis
    source = _SOURCES[mode]
    padded = range(-before, units + behind)
    exact = tuple(axis.interval(source(unit, units)) for unit in padded)
    inside = window(axis._replace(exact=None), 1, 1, before)
    return inside._replace(exact=exact).bound()


def moving_box(axis: Axis, side: int) -> tuple[int, int]:
    """Start and size of the smallest box that moves with the stride and holds what each unit sees.

    As far as that lies in an image of this side. Where padding repeats nothing that is out of a
    unit's reach anyway, this is the field of the units inside.
    """
    start, size = axis.first.table[0], axis.size
    if axis.exact is None:
        return start, size
    lowest, highest = start, start + size - 1
    for unit, interval in enumerate(axis.exact):
        first, last = interval or (side, -1)
        if first >= side or last < 0:  # the unit sees nothing of the image
            continue
        moved = unit * axis.first.rate
        lowest = min(lowest, floor(max(first, 0) - moved))
        highest = max(highest, ceil(min(last, side - 1) - moved))
    return lowest, highest - lowest + 1
