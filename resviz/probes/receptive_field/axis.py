"""Which pixels the units of a map see, along one axis of the image; exact, whatever a network does.

Unit i sees the pixels first(i) to last(i), pixels in the padding included. Every operation says
which units of its input the new unit i looks at, from `first` to `last`; that is all there is to
know:

    convolution, pooling: i s - p to i s - p + (k - 1) d (Araujo et al. 2019, Distill, eqns. 1 to 4)
    transposed:           ceil((i + p - (k - 1) d) / s) to floor((i + p) / s)
    adaptive pooling:     floor(i n / m) to ceil((i + 1) n / m) - 1

with kernel k, stride s, padding p, dilation d, n units of input and m of output. After the last two
the fields of neighbours differ in size, but repeat with a period; so an edge is a short table (of
one number in most networks). Only where padding repeats pixels (`borders`) do units at the border
differ from those inside; then each has its own interval.
"""

from collections.abc import Callable
from fractions import Fraction
from math import gcd, inf
from typing import NamedTuple

Units = Callable[[int], int]  # of a new unit, a unit of the input
Size = int | Fraction | float  # a float only where it is infinite
Interval = tuple[int, int]  # first and last pixel


class Edge(NamedTuple):
    """The first (or last) pixel of every unit.

    Table[i mod P] + floor(i / P) step, P = len(table).
    """

    table: tuple[int, ...]
    step: int

    def __call__(self, unit: int) -> int:
        """The pixel of one unit."""
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
        start = units(0)
        advance = units(period) - start
        if len(self.table) == period == 1:
            return Edge((self.table[0] + start * self.step,), advance * self.step)
        # the input's table starts anew after so many periods
        times = len(self.table) // gcd(len(self.table), advance)
        table = tuple(self(units(i)) for i in range(times * period))
        return Edge(table, times * advance // len(self.table) * self.step)


class Axis(NamedTuple):
    """The fields of all units along height or width.

    Attributes:
        first: The first pixel that a unit sees.
        last: The last one.
        whole: Every unit sees the whole image; the edges then tell what it sees beside the
            operation over the whole map, and how far units lie apart.
        aligned: Wherever branches met, their fields had the same centres.
        least: The pixels that the shortest path alone would see (a fraction behind upsampling).
        most: The same along the longest path.
        local: What a unit is does not depend on how far the map goes on beyond its field, nor on
            the unit's number.
        gated: Units see the whole image only through values that all of them share, as those of a
            squeeze-and-excitation gate.
        exact: For each unit what it sees, where padding repeats pixels; the edges then hold for
            units inside. None: a unit sees nothing but zeros.
    """

    first: Edge = Edge((0,), 1)
    last: Edge = Edge((0,), 1)
    whole: bool = False
    aligned: bool = True
    least: Size = 1
    most: Size = 1
    local: bool = True
    gated: bool = False
    exact: tuple[Interval | None, ...] | None = None

    @property
    def size(self) -> int:
        """Pixels in the largest field."""
        if len(self.first.table) == 1:
            return self.last.table[0] - self.first.table[0] + 1
        return max(b - a for a, b in zip(self.first.table, self.last.table, strict=True)) + 1

    def interval(self, unit: int) -> Interval | None:
        """What one unit sees."""
        if self.exact is None:
            return self.first(unit), self.last(unit)
        return self.exact[unit] if 0 <= unit < len(self.exact) else None

    def seen(self, first: Units, last: Units, period: int = 1, count: int = 0) -> "Axis":
        """After an operation whose unit i looks at the units `first(i)` to `last(i)`.

        `period`: these repeat after so many units. `count`: how many units there are.
        """
        reach = max(last(i) - first(i) for i in range(period)) * self.first.rate
        return self._replace(
            first=self.first.at(first, period),
            last=self.last.at(last, period),
            least=self.least + reach,
            most=self.most + reach,
            local=False,
            exact=self.hulls(first, last, count),
        )

    def hulls(self, first: Units, last: Units, count: int) -> tuple[Interval | None, ...] | None:
        """For each new unit what the units that it looks at see together."""
        if self.exact is None:
            return None
        return tuple(
            hull([self.interval(j) for j in range(first(i), last(i) + 1)]) for i in range(count)
        )

    def entire(self) -> "Axis":
        """After an operation that takes in all units."""
        return Axis(self.first, self.last, True, self.aligned, inf, inf, local=False)

    def bound(self) -> "Axis":
        """After an operation that ties the values to the map's size.

        A normalisation over the map is one, a constant for each place another.
        """
        return self._replace(local=False)

    def stretched(self, count: int = 0) -> "Axis":
        """The only unit, repeated."""
        return self.seen(lambda _: 0, lambda _: 0, count=count)

    @property
    def shared(self) -> bool:
        """All units see the whole image through the same values."""
        return self.whole and not self.gated and self.first.step == 0


def hull(intervals: list[Interval | None]) -> Interval | None:
    """The smallest interval around all; those of units that see nothing do not count."""
    some = [interval for interval in intervals if interval]
    if not some:
        return None
    return min(first for first, _ in some), max(last for _, last in some)


def window(
    axis: Axis, kernel: int, stride: int, padding: int, dilation: int = 1, count: int = 0
) -> Axis:
    """After a convolution or a pooling that gives so many units."""
    reach = (kernel - 1) * dilation
    if kernel == stride == 1 and not padding:
        return axis
    (start, step), (end, _), whole, aligned, least, most, local, gated, exact = axis
    if len(start) > 1 or exact is not None:
        return _window_by_tables(axis, reach, stride, padding, count)
    # the same without the detour: in most networks all units see fields of one size
    first = Edge((start[0] - padding * step,), stride * step)
    last = Edge((end[0] + (reach - padding) * step,), stride * step)
    grown = reach * step
    local = local and padding >= 0  # less padding than none cuts the map
    return Axis(first, last, whole, aligned, least + grown, most + grown, local, gated)


def _window_by_tables(axis: Axis, reach: int, stride: int, padding: int, count: int) -> Axis:
    """After a window, where neighbours see fields of different sizes."""
    return axis.seen(
        lambda i: i * stride - padding, lambda i: i * stride - padding + reach, count=count
    )


def transposed(
    axis: Axis, kernel: int, stride: int, padding: int, dilation: int = 1, count: int = 0
) -> Axis:
    """After a transposed convolution."""
    reach = (kernel - 1) * dilation
    return axis.seen(
        lambda i: _ceil(i + padding - reach, stride),
        lambda i: (i + padding) // stride,
        stride,
        count,
    )


def adaptive(axis: Axis, before: int, after: int) -> Axis:
    """After a pooling of `before` units to `after`; to one, it is a mean over the map."""
    if after == 1:
        return axis.seen(lambda i: i * before, lambda i: (i + 1) * before - 1).entire()
    return axis.seen(
        lambda i: i * before // after,
        lambda i: _ceil((i + 1) * before, after) - 1,
        _period(before, after),
        after,
    )


def enlarged(axis: Axis, before: int, after: int, reach: int, corners: bool) -> Axis:
    """After interpolation between neighbours: `reach` 0 for nearest, 1 for linear, 2 for cubic.

    `corners`: the first and the last unit stay where they are (`align_corners` of torch).
    """
    if not reach:
        return repeated(axis, before, after)
    # the place in the input is (i up + shift) / down; the units around it are its floor and ceil
    up, down, shift = 2 * before, 2 * after, before - after
    if corners:
        up, down, shift = before - 1, max(1, after - 1), 0
    return axis.seen(
        lambda i: (i * up + shift) // down - reach + 1,
        lambda i: _ceil(i * up + shift, down) + reach - 1,
        _period(up, down),
        after,
    )


def repeated(axis: Axis, before: int, after: int) -> Axis:
    """After taking the nearest of `before` units for each of `after`."""

    def nearest(unit: int) -> int:
        return unit * before // after

    return axis.seen(nearest, nearest, _period(before, after), after)


def _ceil(number: int, divisor: int) -> int:
    """The quotient, rounded up."""
    return -(-number // divisor)


def _period(before: int, after: int) -> int:
    """New units until the places in the input repeat."""
    return after // gcd(before, after)
