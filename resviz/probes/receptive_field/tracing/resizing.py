"""Transposed convolutions, pooling to a size, interpolation, padding: the map gets another size."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from resviz.probes.receptive_field.axis import Axis, adaptive, enlarged, transposed, window
from resviz.probes.receptive_field.borders import repeat_border
from resviz.probes.receptive_field.tracing.pointwise import dims_with_places, widened
from resviz.probes.receptive_field.tracing.rules import rule
from resviz.probes.receptive_field.tracing.tensor import (
    MAP,
    Axes,
    Dims,
    Fields,
    FieldTensor,
    Shape,
    bind,
    lose,
)
from resviz.probes.receptive_field.tracing.windows import MAPS, pair

_REACH = {"nearest": 0, "bilinear": 1, "bicubic": 2}  # neighbours that interpolation mixes


@rule("conv_transpose2d")
def transposed_convolution(
    x: FieldTensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> FieldTensor:
    """Every unit of the input is spread over the units under the kernel."""
    kernels, strides, paddings = pair(weight.shape[2:]), pair(stride), pair(padding)
    dilations, extra = pair(dilation), pair(output_padding)
    sides = []
    for i, units in enumerate(x.shape[-2:]):
        reach = dilations[i] * (kernels[i] - 1)
        sides.append((units - 1) * strides[i] - 2 * paddings[i] + reach + extra[i] + 1)
    shape = (*x.shape[:-3], weight.shape[1] * groups, *sides)
    if x.fields is None or x.fields.dims not in MAPS:
        return lose(x, shape, "transposed convolution")
    rows, columns = (
        transposed(axis, kernels[i], strides[i], paddings[i], dilations[i], sides[i])
        for i, axis in enumerate(x.fields.axes)
    )
    return _map_of(x, shape, (rows, columns))


@rule("adaptive_avg_pool2d", "adaptive_max_pool2d")
def adaptive_pool(x: FieldTensor, output_size: Any, *_: Any, **__: Any) -> FieldTensor:
    """A pooling to so many units; None keeps the size."""
    sizes = output_size if isinstance(output_size, Sequence) else (output_size, output_size)
    before = x.shape[-2:]
    after = [n if size is None else int(size) for n, size in zip(before, sizes, strict=True)]
    shape = (*x.shape[:-2], *after)
    if x.fields is None or x.fields.layout is not None:
        return lose(x, shape, "pooling")
    rows, columns = (adaptive(x.fields.axes[i], before[i], after[i]) for i in (0, 1))
    return _map_of(x, shape, (rows, columns))


@rule("interpolate", "upsample")
def interpolate(
    x: FieldTensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> FieldTensor:
    """Every unit mixes the units of the input around its place."""
    before = x.shape[-2:]
    after = pair(size) if size is not None else _scaled(before, scale_factor)
    shape = (*x.shape[:-2], *after)
    reach = _REACH.get(mode)
    if x.fields is None or reach is None or antialias or x.fields.dims != MAP:
        return lose(x, shape, f"interpolate ({mode})")
    rows, columns = (
        enlarged(x.fields.axes[i], before[i], after[i], reach, bool(align_corners)) for i in (0, 1)
    )
    return _map_of(x, shape, (rows, columns))


def _scaled(sides: Shape, factor: Any) -> tuple[int, int]:
    """Height and width times a factor, one for both or one for each."""
    down, across = factor if isinstance(factor, Sequence) else (factor, factor)
    return int(sides[0] * down), int(sides[1] * across)


@rule("pixel_shuffle")
def pixel_shuffle(x: FieldTensor, upscale_factor: int) -> FieldTensor:
    """The channels of a cell become a square of cells."""
    *batch, channels, height, width = x.shape
    sides = height * upscale_factor, width * upscale_factor
    shape = (*batch, channels // upscale_factor**2, *sides)
    if x.fields is None:
        return x.like(shape, None)
    rows, columns = (enlarged(axis, 1, upscale_factor, 0, corners=False) for axis in x.fields.axes)
    return _map_of(x, shape, (rows, columns))


@rule("pad")
def pad(
    x: FieldTensor, pad: Sequence[int], mode: str = "constant", *_: Any, **__: Any
) -> FieldTensor:
    """`pad` is what is added before and behind each dimension, from the last one on."""
    shape = list(x.shape)
    added = {-1 - i: (pad[2 * i], pad[2 * i + 1]) for i in range(len(pad) // 2)}
    for dim, (before, behind) in added.items():
        shape[dim] += before + behind
    if x.fields is None:
        return x.like(tuple(shape), None)
    if x.fields.layout is not None:
        return _padded_split(x, x.fields, tuple(shape))
    rows, columns = (
        _padded(x.fields.axes[i], added.get(dim or 0, (0, 0)), mode, x.fields.units[i])
        for i, dim in enumerate(x.fields.dims)
    )
    padded = _map_of(x, tuple(shape), (rows, columns), x.fields.dims)
    return bind(padded) if min(pad) < 0 else padded


def _padded_split(x: FieldTensor, fields: Fields, shape: Shape) -> FieldTensor:
    """Where height and width are split, only what has no places can be padded."""
    grown = [dim - x.ndim for dim in range(x.ndim) if shape[dim] != x.shape[dim]]
    if set(grown) & set(dims_with_places(x.shape, fields)):
        return lose(x, shape, "pad")
    return widened(x, grown, shape)


def _padded(axis: Axis, added: tuple[int, int], mode: str, units: int) -> Axis:
    """So many units more before and behind."""
    before, behind = added
    if mode == "constant":
        return window(axis, 1, 1, before, count=units + before + behind)
    return repeat_border(axis, mode, before, behind, units)


def _map_of(x: FieldTensor, shape: Shape, axes: Axes, dims: Dims = MAP) -> FieldTensor:
    """A map of this shape whose units have these fields."""
    down, across = dims
    units = 1 if down is None else shape[down], 1 if across is None else shape[across]
    return x.like(shape, Fields(*axes, units, dims))
