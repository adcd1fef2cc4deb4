"""Which pixels are enough to compute the gradient of a unit, so that only these are run."""

from dataclasses import dataclass, replace

from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.receptive_field.axis import Axis, Edge
from resviz.probes.receptive_field.follow import Followed, follow
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


class Planner:
    """Plans for the layers of one network and one size of image.

    A crop is taken only where the network sees it as it sees the whole image: the fields of all
    layers are followed through the crop too, and have to begin and grow alike. Padding that depends
    on the size of the image, as TensorFlow's "same", may not.
    """

    def __init__(self, model: nn.Module, followed: Followed, sides: tuple[int, int]) -> None:
        """`followed`: all layers, in an image of these sides."""
        self._model, self._followed, self._sides = model, followed, sides

    def plan(self, layer: str, unit: Unit | None = None, *, crop: bool = True) -> Plan:
        """What to run for a unit, by default the middle one.

        Raises `ProbeError` for one outside.
        """
        height, width = self._sides
        whole = self._uncropped(layer, unit)
        rows, columns = whole.fields.axes
        unit = whole.unit
        if not (crop and rows.local and columns.local):
            return whole
        top, bottom, row = _enough(rows, unit[0], height)
        left, right, column = _enough(columns, unit[1], width)
        if not self._is_alike(layer, (bottom - top, right - left)):
            return whole
        return replace(whole, box=(top, bottom, left, right), at=(row, column))

    def _uncropped(self, layer: str, unit: Unit | None) -> Plan:
        """The plan that runs the whole image."""
        fields, runs = self._followed.maps[layer], self._followed.runs[layer]
        unit = _checked(layer, unit, fields.units)
        height, width = (
            side if axis.whole else axis.size
            for side, axis in zip(self._sides, fields.axes, strict=True)
        )
        box = 0, self._sides[0], 0, self._sides[1]
        return Plan(layer, fields, runs, unit, box, unit, (height, width))

    def _is_alike(self, layer: str, sides: tuple[int, int]) -> bool:
        """Whether the fields up to a layer are the same in an image of these sides."""
        if sides == self._sides:
            return True
        until = layer, self._followed.runs[layer]
        try:
            cropped = follow(self._model, None, sides, until).maps
        except Exception:  # whatever a network has against a smaller picture
            return False
        return all(
            _edges(fields) == _edges(self._followed.maps[name])
            for name, fields in cropped.items()
            # nothing that can be cropped comes of a layer that depends on the whole map
            if name in self._followed.maps and all(axis.local for axis in fields.axes)
        )


def _edges(fields: Fields) -> list[tuple[Edge, Edge]]:
    """First and last pixels along height and width."""
    return [(axis.first, axis.last) for axis in fields.axes]


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
    # a size with the same rest leaves padding that depends on it as it is
    end = min(side, end + (side - end) % stride)
    return start, end, unit - start // stride
