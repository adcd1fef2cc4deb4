"""The theoretical receptive field of every layer: the pixels that a unit can see at all.

A `FieldTensor` (`tracing`) goes through the network's own `forward`, so skips, concatenations and
whatever the network does with functions count as they run; nothing is computed. Where branches
meet, the field is the union of theirs. Normalisations count as pointwise: what they measure of the
image is not followed.
"""

from collections.abc import Iterable
from functools import partial
from math import ceil
from typing import Any, NamedTuple

from torch import nn

from resviz.probes.core.entry import probe
from resviz.probes.receptive_field.axis import Axis, Size
from resviz.probes.receptive_field.borders import moving_box
from resviz.probes.receptive_field.follow import follow
from resviz.probes.receptive_field.tracing import Fields

Pair = tuple[int | float, int | float]
# of several ways to see the whole image, the one that says most comes first
_THROUGH = ("map", "border", "gate", "")


class ReceptiveField(NamedTuple):
    """What a unit of the layer's map sees, in pixels of the input, each (height, width).

    Unit (i, j) sees the `size` pixels from `start + (i, j) * stride` on.

    Attributes:
        name: Of the layer.
        size: Pixels of the largest field. After upsampling, or pooling to a given number of units,
            some units may see less than others.
        stride: Pixels from unit to unit; a fraction where it holds on average only.
        start: The first pixel of the first unit's field; negative in the padding.
        aligned: Wherever branches met, their fields had the same centres and strides.
        whole_image: Some units see the whole image, as `through` says. `size` is then the image's,
            `start` 0, and `stride` how far units lie apart.
        smallest: What a unit would see along the shortest path alone (every block skipped).
        largest: The same along the longest path. The field of all paths together is larger only
            where they are not aligned.
        units: Rows and columns of the map.
        through: How units see all of the height or width: "map", an operation over the whole map
            such as a mean; "gate", only values that all units share, such as those of a
            squeeze-and-excitation gate; "border", padding at one side that repeats the other
            (circular). Empty where they do not.
        local_size: As `size`, without what comes through a gate or a border.
        local_start: As `start`, likewise.
        axes: The fields of single units along height and along width, for `box`.
    """

    name: str
    size: tuple[int, int]
    stride: Pair
    start: tuple[int, int]
    aligned: bool
    whole_image: bool
    smallest: tuple[int, int]
    largest: tuple[int, int]
    units: tuple[int, int]
    through: str
    local_size: tuple[int, int]
    local_start: tuple[int, int]
    axes: tuple[Axis, Axis]

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the first unit's field, in pixels."""
        return self.start[0] + (self.size[0] - 1) / 2, self.start[1] + (self.size[1] - 1) / 2

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Top, left, height and width of one unit's field, exact also where fields differ.

        Without what comes through a gate; of an operation over the whole map, the whole image.
        """
        top, height = self._interval(0, row)
        left, width = self._interval(1, column)
        return top, left, height, width

    def _interval(self, i: int, unit: int) -> tuple[int, int]:
        """First pixel and number of pixels along height or width."""
        axis = self.axes[i]
        if axis.whole and not axis.gated:
            return 0, self.size[i]
        first, last = axis.interval(unit) or (axis.first(unit), axis.last(unit))
        return first, last - first + 1


@probe
def receptive_field(
    model: nn.Module, layers: Iterable[str] | None = None, input_size: int | tuple[int, int] = 224
) -> tuple[ReceptiveField, ...]:
    """Compute which pixels the units of a network's layers can see.

    With kernel k, stride s, padding p and dilation d of a layer, size r, jump j (pixels from unit
    to unit) and start of the fields grow from r = j = 1, start = 0 by

        r <- r + (k - 1) d j        start <- start - p j        j <- j s

    and where branches meet, the field is the union of theirs. Of a module that runs more than once
    the last output counts.

    Args:
        model: Any network of images; it is left as it was.
        layers: Names of layers with a map. By default all of them, but those behind an operation
            that mixes places in a way of its own.
        input_size: The side of the RGB image, or its height and width, in pixels. Fields depend on
            it only after a mean over the map, or a pooling to a given number of units.

    Returns:
        One `ReceptiveField` a layer, in the order in which the layers finish.

    Raises:
        ProbeError: For an unknown layer, one that does not run or has no map, one whose field
            cannot be followed, an operation that needs numbers, and an image smaller than a kernel.

    Example:
        >>> from torch import nn
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2))
        >>> first, second = receptive_field(net, input_size=32)
        >>> second.name, second.size, second.stride, second.start
        ('1', (4, 4), (2, 2), (-1, -1))

    Reference:
        Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural Networks", Distill,
        equations 1 to 4.
    """
    sides = (input_size, input_size) if isinstance(input_size, int) else input_size
    maps = follow(model, layers, sides).maps
    # layers share most fields, so each is described once
    distinct = {id(fields): fields for fields in maps.values()}
    described = {key: _described(fields, sides) for key, fields in distinct.items()}
    made = partial(tuple.__new__, ReceptiveField)  # as `_make`, in half its time
    return tuple([made((name, *described[id(fields)])) for name, fields in maps.items()])


class _Along(NamedTuple):
    """What a `ReceptiveField` says along height or width."""

    size: int
    stride: int | float
    start: int
    smallest: int
    largest: int
    through: str
    local_size: int
    local_start: int


def _described(fields: Fields, sides: tuple[int, int]) -> tuple[Any, ...]:
    """All of a `ReceptiveField` but its name."""
    y, x, units = fields[:3]
    rows = _along(y, sides[0])
    columns = rows if x is y and sides[0] == sides[1] else _along(x, sides[1])
    size, stride, start, smallest, largest, through, local_size, local_start = zip(
        rows, columns, strict=True
    )
    whole = bool(rows.through and columns.through)
    how = min(through, key=_THROUGH.index) if rows.through != columns.through else rows.through
    facts = size, stride, start, y.aligned and x.aligned, whole, smallest, largest, units
    return (*facts, how, local_size, local_start, (y, x))


def _along(axis: Axis, side: int) -> _Along:
    """The fields along height or width of an image of this side."""
    local_start, local_size = start, size = axis.first.table[0], axis.size
    through = ""
    if axis.whole:
        through = "gate" if axis.gated else "map"
    elif axis.exact is not None:
        start, size = moving_box(axis, side)
        through = "border" if size > max(local_size, side - 1) else ""
    if through:
        start, size = 0, side
    least, most = _pixels(axis.least, size), _pixels(axis.most, size)
    return _Along(size, _stride(axis), start, least, most, through, local_size, local_start)


def _pixels(path: Size, size: int) -> int:
    """The size along one path, in whole pixels."""
    return size if path >= size else ceil(path)


def _stride(axis: Axis) -> int | float:
    """Pixels from unit to unit."""
    if len(axis.first.table) == 1:
        return axis.first.step
    rate = axis.first.rate
    return rate.numerator if rate.denominator == 1 else float(rate)
