"""Which pixels the units of a map see, along one axis of the image; exact whole numbers, whatever the network does.

Unit i sees the pixels first(i) to last(i), pixels in the padding included. Every operation says
which units of its input the new unit i looks at, from `first` to `last`; that is all there is to
know:

    convolution, pooling: i s - p to i s - p + (k - 1) d (Araujo et al. 2019, Distill, eqns. 1 to 4)
    transposed:           ceil((i + p - (k - 1) d) / s) to floor((i + p) / s)
    adaptive pooling:     floor(i n / m) to ceil((i + 1) n / m) - 1

with kernel k, stride s, padding p, dilation d, n units of input and m of output. After the last two
the fields of neighbours differ in size, but repeat with a period; so an edge is a short table (of
one number in most networks).
"""

from collections.abc import Callable
from fractions import Fraction
from math import gcd, inf, lcm
from typing import NamedTuple

Units = Callable[[int], int]  # of a new unit, a unit of the input
Size = int | Fraction | float  # a float only where it is infinite


class Edge(NamedTuple):
    """The first (or last) pixel of every unit: table[i mod P] + floor(i / P) step, with P = len(table)."""

    table: tuple[int, ...]
    step: int

    def __call__(self, unit: int) -> int:
        turns, phase = divmod(unit, len(self.table))
        return self.table[phase] + turns * self.step

    @property
    def rate(self) -> Fraction:
        """Pixels from unit to unit, on average."""
        return Fraction(self.step, len(self.table))

    def at(self, units: Units, period: int = 1) -> "Edge":
        """The edge where the new unit i looks at unit `units(i)`.

        `units` advances evenly every `period` units.
        """
        advance = units(period) - units(0)
        if len(self.table) == period == 1:
            return Edge((self.table[0] + units(0) * self.step,), advance * self.step)
        # the input's table starts anew after so many periods
        times = len(self.table) // gcd(len(self.table), advance)
        table = tuple(self(units(i)) for i in range(times * period))
        return Edge(table, times * advance // len(self.table) * self.step)


class Axis(NamedTuple):
    """The fields of all units along height or width.

    `whole`: every unit sees the whole image; the edges then only tell how far units lie apart.
    `aligned`: wherever branches met, their fields had the same centres. `least` and `most`: the
    pixels that the shortest and the longest path alone would see (fractions behind upsampling).
    `local`: what a unit is does not depend on how far the map goes on beyond its field, nor on the
    unit's number.
    """

    first: Edge = Edge((0,), 1)
    last: Edge = Edge((0,), 1)
    whole: bool = False
    aligned: bool = True
    least: Size = 1
    most: Size = 1
    local: bool = True

    @property
    def size(self) -> int:
        """Pixels in the largest field."""
        if len(self.first.table) == 1:
            return self.last.table[0] - self.first.table[0] + 1
        return max(b - a for a, b in zip(self.first.table, self.last.table, strict=True)) + 1

    def seen(self, first: Units, last: Units, period: int = 1) -> "Axis":
        """After an operation, no window, whose unit i looks at the units `first(i)` to `last(i)`."""
        reach = max(last(i) - first(i) for i in range(period)) * self.first.rate
        return Axis(
            self.first.at(first, period),
            self.last.at(last, period),
            self.whole,
            self.aligned,
            self.least + reach,
            self.most + reach,
            local=False,
        )

    def entire(self) -> "Axis":
        """After an operation that takes in all units."""
        return Axis(self.first, self.last, True, self.aligned, inf, inf, local=False)

    def bound(self) -> "Axis":
        """After an operation that ties the values to the map's size.

        A normalisation over the map is one, a constant for each place another.
        """
        return self._replace(local=False)

    def stretched(self) -> "Axis":
        """The only unit, repeated."""
        return self.seen(lambda _: 0, lambda _: 0)


def window(axis: Axis, kernel: int, stride: int, padding: int, dilation: int = 1) -> Axis:
    """After a convolution or a pooling."""
    reach = (kernel - 1) * dilation
    if kernel == stride == 1 and not padding:
        return axis
    (start, step), (end, _), whole, aligned, least, most, local = axis
    if len(start) > 1:
        return axis.seen(lambda i: i * stride - padding, lambda i: i * stride - padding + reach)
    # the same without the detour: in most networks all units see fields of one size
    first = Edge((start[0] - padding * step,), stride * step)
    last = Edge((end[0] + (reach - padding) * step,), stride * step)
    grown = reach * step
    local = local and padding >= 0  # less padding than none cuts the map
    return Axis(first, last, whole, aligned, least + grown, most + grown, local)


def transposed(axis: Axis, kernel: int, stride: int, padding: int, dilation: int = 1) -> Axis:
    """After a transposed convolution."""
    reach = (kernel - 1) * dilation
    return axis.seen(
        lambda i: _ceil(i + padding - reach, stride), lambda i: (i + padding) // stride, stride
    )


def adaptive(axis: Axis, before: int, after: int) -> Axis:
    """After a pooling of `before` units to `after`; to one, it is a mean over the map."""
    pooled = axis.seen(
        lambda i: i * before // after,
        lambda i: _ceil((i + 1) * before, after) - 1,
        _period(before, after),
    )
    return pooled.entire() if after == 1 else pooled


def enlarged(axis: Axis, before: int, after: int, reach: int, corners: bool) -> Axis:
    """After interpolation between neighbours: `reach` 0 for nearest, 1 for linear, 2 for cubic.

    `corners`: the first and the last unit stay where they are (`align_corners` of torch).
    """
    if not reach:
        place = _times(before, after)
        return axis.seen(place, place, _period(before, after))
    # the place in the input is (i up + shift) / down; the units around it are its floor and ceil
    up, down, shift = 2 * before, 2 * after, before - after
    if corners:
        up, down, shift = before - 1, max(1, after - 1), 0
    return axis.seen(
        lambda i: (i * up + shift) // down - reach + 1,
        lambda i: _ceil(i * up + shift, down) + reach - 1,
        _period(up, down),
    )


def _times(up: int, down: int) -> Units:
    """Unit i of the output lies in unit floor(i up / down) of the input."""
    return lambda i: i * up // down


def _ceil(number: int, divisor: int) -> int:
    """The quotient, rounded up."""
    return -(-number // divisor)


def union(a: Axis, b: Axis, units: int) -> Axis:
    """Where two branches meet in a map of so many units: all that either sees."""
    if a is b or a == b:
        return a
    if a.whole or b.whole:
        return _union_of_whole(a, b)
    (i, step), (j, other), (k, _), (m, _) = a.first, b.first, a.last, b.last
    if step == other and len(i) == len(j) == 1:  # in most networks always
        centred = i[0] + k[0] == j[0] + m[0]
        edges = Edge(min(i, j), step), Edge(max(k, m), step)
        return _joined(a, b, edges, centred, local=a.local and b.local)
    return _union_of_tables(a, b, units)


def _union_of_whole(a: Axis, b: Axis) -> Axis:
    """One of the branches sees the whole image; a unit's place is that in the other one."""
    placed = a if b.whole and (not a.whole or a.first.rate >= b.first.rate) else b
    return _joined(a, b, (placed.first, placed.last), True, local=False)._replace(whole=True)


def _union_of_tables(a: Axis, b: Axis, units: int) -> Axis:
    """Fields of neighbours differ in size: unit by unit, until both repeat."""
    even = a.first.step * len(b.first.table) == b.first.step * len(a.first.table)
    period = lcm(len(a.first.table), len(b.first.table)) if even else units
    step = max(a.first(period) - a.first(0), b.first(period) - b.first(0))
    first = Edge(tuple(min(a.first(i), b.first(i)) for i in range(period)), step)
    last = Edge(tuple(max(a.last(i), b.last(i)) for i in range(period)), step)
    centred = all(a.first(i) + a.last(i) == b.first(i) + b.last(i) for i in range(period))
    return _joined(a, b, (first, last), even and centred, local=a.local and b.local and even)


def _joined(a: Axis, b: Axis, edges: tuple[Edge, Edge], centred: bool, local: bool) -> Axis:
    """Two branches with these edges together."""
    aligned = a.aligned and b.aligned and centred
    least, most = min(a.least, b.least), max(a.most, b.most)
    return Axis(*edges, False, aligned, least, most, local)


def _period(before: int, after: int) -> int:
    """New units until the places in the input repeat."""
    return after // gcd(before, after)
