"""Where the places of a map are when its height and width are split or joined.

Usually height and width are a dimension each (`Fields.dims`). Attention joins them to tokens,
windows and blocks of cells split them. Then each dimension of a tensor is a row of digits, from the
one that changes slowest on, as the digits of a number: a map of 14 x 14 units in windows of 7 x 7,

    (1, 2, 7, 2, 7, channels)  ->  height (2, 7) of scales (7, 1), width likewise

and a row is 7 times its first digit plus its second. Reshaping regroups digits; whatever sums over
a dimension takes its digits out of the map.
"""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from resviz.probes.receptive_field.axis import Axis, repeated, window
from resviz.probes.receptive_field.tracing.tensor import SPLIT, Dims, Fields, Shape

FREE = -1  # channels, the batch: no place


class Digit(NamedTuple):
    """A part of the height (`axis` 0), the width (1) or of neither (`FREE`).

    `scale`: so many units from one value of the digit to the next.
    """

    axis: int
    scale: int
    size: int


Dimension = tuple[Digit, ...]
Layout = tuple[Dimension, ...]


def layout_of(shape: Shape, fields: Fields) -> Layout:
    """The digits of each dimension."""
    if fields.layout is not None:
        layout: Layout = fields.layout
        return layout
    digits = [(Digit(FREE, 1, size),) if size > 1 else () for size in shape]
    for axis, dim in enumerate(fields.dims):
        if dim is not None:
            digits[dim] = (Digit(axis, 1, shape[dim]),) if shape[dim] > 1 else ()
    return tuple(digits)


def with_layout(fields: Fields, layout: Layout) -> Fields:
    """Fields with this layout, in the plain form where height and width are a dimension each."""
    fields = _blocks_as_channels(fields, tuple(_merged(digits) for digits in layout))
    layout = layout_of((), fields)
    dims = _dims(layout, fields.units)
    if dims is None:
        return fields._replace(dims=SPLIT, layout=layout)
    return fields._replace(dims=dims, layout=None)


def _merged(digits: Dimension) -> Dimension:
    """Digits that follow one another as those of one number, as one."""
    merged: list[Digit] = []
    for digit in digits:
        before = merged[-1] if merged else None
        if before and _is_next(before, digit):
            merged[-1] = Digit(digit.axis, digit.scale, before.size * digit.size)
        else:
            merged.append(digit)
    return tuple(merged)


def _is_next(before: Digit, digit: Digit) -> bool:
    """Whether a digit goes on where the one before it steps."""
    if digit.axis == FREE:
        return before.axis == FREE
    return before.axis == digit.axis and before.scale == digit.scale * digit.size


def _dims(layout: Layout, units: tuple[int, int]) -> Dims | None:
    """The dimensions that are all of the height and all of the width; None where they are split."""
    places: list[int | None] = [None, None]
    for dim, digits in enumerate(layout):
        for digit in digits:
            if digit.axis == FREE:
                continue
            if len(digits) > 1 or digit.size != units[digit.axis]:
                return None
            places[digit.axis] = dim - len(layout)
    return places[0], places[1]


def _blocks_as_channels(fields: Fields, layout: Layout) -> Fields:
    """Blocks of cells that became channels are cells of a coarser map (space to depth)."""
    if len(layout) != 4 or _axes_in(layout[0]) or not _axes_in(layout[1]):
        return fields._replace(layout=layout)
    coarse = [[digit.axis for digit in layout[dim]] for dim in (2, 3)]
    if coarse != [[0], [1]]:
        return fields._replace(layout=layout)
    fields = fields._replace(layout=layout)
    return sum_over(fields, 1, layout)


def _axes_in(digits: Dimension) -> set[int]:
    """Which of height and width a dimension has parts of."""
    return {digit.axis for digit in digits} - {FREE}


def regrouped(layout: Layout, shape: Shape) -> Layout | None:
    """The digits after a reshape; None where a dimension would begin in the middle of a digit."""
    digits = [digit for dimension in layout for digit in dimension]
    dimensions = []
    for size in shape:
        taken = _take(digits, size)
        if taken is None:
            return None
        dimensions.append(taken)
    return tuple(dimensions)


def _take(digits: list[Digit], size: int) -> Dimension | None:
    """Take digits of so many values together from the front, splitting the last if need be."""
    taken: list[Digit] = []
    while size > 1:
        if not digits:
            return None
        axis, scale, values = digits.pop(0)
        if size % values == 0:
            taken.append(Digit(axis, scale, values))
            size //= values
        elif values % size == 0:
            rest = values // size
            taken.append(Digit(axis, scale * rest, size))
            digits.insert(0, Digit(axis, scale, rest))
            size = 1
        else:
            return None
    return tuple(taken)


# ---- taking digits out of the map


def sum_over(fields: Fields, dim: int, layout: Layout) -> Fields:
    """After an operation that takes in all of a dimension and leaves nothing of it."""
    axes, units = list(fields.axes), list(fields.units)
    for i in _axes_in(layout[dim]):
        summed = [digit for digit in layout[dim] if digit.axis == i]
        axes[i], units[i] = _summed(axes[i], units[i], summed)
    rest = tuple(digit for digit in layout[dim] if digit.axis == FREE)
    kept = [rest if j == dim % len(layout) else digits for j, digits in enumerate(layout)]
    renumbered = _renumbered(kept)
    return Fields(axes[0], axes[1], (units[0], units[1]), SPLIT, renumbered)


def _summed(axis: Axis, units: int, digits: Sequence[Digit]) -> tuple[Axis, int]:
    """The axis after these digits were summed over, and its number of units."""
    size = prod(digit.size for digit in digits)
    if size == units:
        return axis.entire(), 1
    left = units // size
    if _are_last(digits):  # neighbours are summed up, as by a window
        return window(axis, size, size, 0, count=left), left
    return axis.entire(), left


def _are_last(digits: Sequence[Digit]) -> bool:
    """Whether digits count neighbours: from one unit to the next, and on without a gap."""
    scale = 1
    for digit in sorted(digits, key=lambda digit: digit.scale):
        if digit.scale != scale:
            return False
        scale *= digit.size
    return True


def _renumbered(layout: Sequence[Dimension]) -> Layout:
    """The digits of the units that are left."""
    scales: dict[tuple[int, int], int] = {}
    for axis in (0, 1):
        own = sorted(digit for digits in layout for digit in digits if digit.axis == axis)
        scale = 1
        for digit in own:  # by scale
            scales[digit.axis, digit.scale] = scale
            scale *= digit.size
    return tuple(
        tuple(digit._replace(scale=scales.get(digit[:2], digit.scale)) for digit in digits)
        for digits in layout
    )


def mix_over(fields: Fields, dim: int, layout: Layout) -> Fields:
    """After an operation that takes in all of a dimension and leaves it (softmax)."""
    axes = list(fields.axes)
    for i in _axes_in(layout[dim]):
        digits = [digit for digit in layout[dim] if digit.axis == i]
        units = fields.units[i]
        axis, left = _summed(axes[i], units, digits)
        axes[i] = axis if axis.whole else repeated(axis, left, units)
    return fields._replace(rows=axes[0], columns=axes[1])
