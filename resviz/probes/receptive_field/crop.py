"""Which pixels are enough to compute the gradient of a unit, so that only these are run."""

from dataclasses import dataclass, replace

from torch import Tensor

from resviz.errors import ProbeError
from resviz.probes.receptive_field.axis import Axis
from resviz.probes.receptive_field.theoretical import Followed
from resviz.probes.receptive_field.tracing import Fields

Unit = tuple[int, int]
Box = tuple[int, int, int, int]  # top, bottom, left, right


@dataclass(frozen=True, slots=True)
class Plan:
    """A unit of a layer and the pixels that are run.

    Attributes:
        layer: The layer.
        fields: What its units see.
        runs: How often it runs in one forward pass.
        unit: Row and column of the unit.
        box: The pixels that are run.
        at: Row and column of the unit where only these are run.
        theoretical: Height and width of the unit's field, in pixels.
    """

    layer: str
    fields: Fields
    runs: int
    unit: Unit
    box: Box
    at: Unit
    theoretical: tuple[int, int]

    def uncropped(self, x: Tensor) -> "Plan":
        """The same unit where the whole image is run."""
        return replace(self, box=(0, x.shape[-2], 0, x.shape[-1]), at=self.unit)


def plan(
    followed: Followed, layer: str, unit: Unit | None, sides: tuple[int, int], crop: bool
) -> Plan:
    """What to run for a unit, by default the middle one; raises `ProbeError` for one outside."""
    fields = followed.maps[layer]
    unit = _checked(layer, unit, fields.units)
    rows, columns = fields.axes
    height, width = sides
    theoretical = height if rows.whole else rows.size, width if columns.whole else columns.size
    if crop and rows.local and columns.local:
        top, bottom, row = _enough(rows, unit[0], height)
        left, right, column = _enough(columns, unit[1], width)
    else:
        top, bottom, row = 0, height, unit[0]
        left, right, column = 0, width, unit[1]
    box, at = (top, bottom, left, right), (row, column)
    return Plan(layer, fields, followed.runs[layer], unit, box, at, theoretical)


def _checked(layer: str, unit: Unit | None, units: Unit) -> Unit:
    """The unit, if the map has it."""
    rows, columns = units
    row, column = unit or (rows // 2, columns // 2)
    if not (0 <= row < rows and 0 <= column < columns):
        raise ProbeError(
            "{layer} has {rows} x {columns} units, none in row {row}, column {column}",
            layer=layer,
            rows=rows,
            columns=columns,
            row=row,
            column=column,
        )
    return row, column


def _enough(axis: Axis, unit: int, side: int) -> tuple[int, int, int]:
    """From which pixel to which before a unit sees, and its number if the image were these."""
    stride = axis.first.step
    start = max(0, axis.first(unit)) // stride * stride  # on the grid of the strides
    end = min(side, axis.last(unit) + 1)
    if start >= end:  # all padding: nothing to save
        return 0, side, unit
    return start, end, unit - start // stride
