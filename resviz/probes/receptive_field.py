"""The theoretical receptive field of every layer (Araujo et al. 2019, Distill): the pixels that a unit can see at all.

An empty tensor that carries fields (`tracer.py`) goes through the network's own `forward`, so skips, concatenations
and whatever the network does with functions count as they run; nothing is computed. Where branches meet, the field is
the union of theirs. Normalisations count as pointwise: what they measure of the image is not followed.
"""

from collections.abc import Iterable
from math import ceil, isinf
from typing import NamedTuple

import torch
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.architecture import check_spatial
from resviz.probes.fields import Axis, Size
from resviz.probes.hooks import eval_mode
from resviz.probes.trace_modules import watched
from resviz.probes.tracer import Axes, Dims, Traced

Pair = tuple[int | float, int | float]


class ReceptiveField(NamedTuple):
    """What a unit of the layer's map sees, in pixels of the input, each (height, width).

    Unit (i, j) sees the `size` pixels from `start + (i, j) * stride` on; `start` may be negative, in the padding.
    After upsampling, or pooling to a given number of units, some units may see more than others: `size` is that of the
    largest field, and `stride`, perhaps a fraction, holds on average. `aligned`: wherever branches met on the way,
    their fields had the same centres and strides.
    `whole_image`: the way leads through a mean over the whole map; `size` is then the image's, `start` 0 and `stride`
    how far units lie apart (the last pixels, where a stride leaves some out, count as seen).
    `smallest` and `largest`: what a unit would see along the shortest path alone (every block skipped), and along the
    longest; the field of all paths together is larger than the latter only where they are not aligned.
    `units`: rows and columns of the map.
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

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the first unit's field, in pixels."""
        return self.start[0] + (self.size[0] - 1) / 2, self.start[1] + (self.size[1] - 1) / 2


class Followed(NamedTuple):
    """A layer's map as the tracer saw it after the layer's last run; `dims` of height and width, `runs` in all."""

    form: tuple[int, ...]
    axes: Axes
    dims: Dims
    lost: str
    runs: int

    @property
    def units(self) -> tuple[int, int]:
        """Rows and columns of the map."""
        down, across = self.dims
        return (1 if down is None else self.form[down]), (1 if across is None else self.form[across])


def receptive_field(
    model: nn.Module, layers: Iterable[str] | None = None, input_size: int | tuple[int, int] = 224
) -> tuple[ReceptiveField, ...]:
    """The fields of `layers`, or of all with a spatial output, in the order in which they finish.

    The image is RGB, `input_size` its side or (height, width); fields do not depend on it but after a mean over the
    whole map, or a pooling to a given number of units. Of a module that runs more than once the last output counts.
    Without `layers`, those behind an operation that mixes places in a way of its own (attention) are left out. Raises
    `ProbeError` for an unknown layer, one that does not run or has no map, one behind such an operation, an operation
    that needs numbers, and an image smaller than a kernel.
    """
    sides = (input_size, input_size) if isinstance(input_size, int) else input_size
    found = follow(model, layers, sides)
    distinct = {id(seen.axes): seen.axes for seen in found.values()}
    described = {key: _described(axes, sides) for key, axes in distinct.items()}  # layers share most of them
    return tuple(ReceptiveField(name, *described[id(seen.axes)], seen.units) for name, seen in found.items())


def follow(model: nn.Module, layers: Iterable[str] | None, sides: tuple[int, int]) -> dict[str, Followed]:
    """What the tracer saw of `layers`, or of all with a map that can be followed; raises as `receptive_field` does."""
    names = tuple(layers) if layers is not None else None
    found: dict[str, Followed] = {}
    runs: dict[str, int] = {}

    def record(layer: str, output: object) -> None:
        if layer in runs:  # it comes where it ran last
            found.pop(layer, None)
        runs[layer] = runs.get(layer, 0) + 1
        if isinstance(output, Traced) and len(output.form) == 4:
            found[layer] = Followed(output.form, output.axes, output.dims, output.lost, runs[layer])
        elif names is not None:
            check_spatial(model, layer, output)

    with eval_mode(model), torch.no_grad(), watched(model, names, record):
        model(Traced.image(3, sides, next((p.dtype for p in model.parameters()), torch.float32)))
    for layer in names or ():
        _check_followed(layer, found.get(layer))
    followed = {name: seen for name, seen in found.items() if not seen.lost}
    if not followed:
        raise ProbeError("no layer of this model gives a map whose receptive field can be followed; choose another")
    return followed


def _check_followed(layer: str, seen: Followed | None) -> None:
    if seen is None:
        raise ProbeError(
            "layer {layer} does not run when the model looks at an image; choose another layer", layer=layer
        )
    if seen.lost:
        raise ProbeError(
            "the receptive field of {layer} is lost at the operation {lost}; choose an earlier layer",
            layer=layer,
            lost=seen.lost,
        )


class _Along(NamedTuple):
    """The fields along height or width."""

    size: int
    stride: int | float
    start: int
    smallest: int
    largest: int


def _described(
    axes: Axes, sides: tuple[int, int]
) -> tuple[tuple[int, int], Pair, tuple[int, int], bool, bool, tuple[int, int], tuple[int, int]]:
    """Size, stride, start, aligned, whole, smallest and largest of the fields along height and width."""
    y, x = axes
    rows = _along(y, sides[0])
    columns = rows if x is y and sides[0] == sides[1] else _along(x, sides[1])
    return (
        (rows.size, columns.size),
        (rows.stride, columns.stride),
        (rows.start, columns.start),
        y.aligned and x.aligned,
        y.whole and x.whole,
        (rows.smallest, columns.smallest),
        (rows.largest, columns.largest),
    )


def _along(axis: Axis, side: int) -> _Along:
    size = side if axis.whole else axis.size
    start = 0 if axis.whole else axis.first(0)
    return _Along(size, _stride(axis), start, _pixels(axis.least, size), _pixels(axis.most, size))


def _pixels(path: Size, size: int) -> int:
    return size if isinf(path) else min(size, ceil(path))


def _stride(axis: Axis) -> int | float:
    if len(axis.first.table) == 1:
        return axis.first.step
    rate = axis.first.rate
    return rate.numerator if rate.denominator == 1 else float(rate)
