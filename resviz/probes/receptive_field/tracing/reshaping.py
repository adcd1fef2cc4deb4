"""Operations that move, cut, join or sum up dimensions: what they do to shapes and fields."""

from collections.abc import Sequence
from functools import partial, reduce
from math import prod
from typing import Any

import torch
from torch import Tensor

from resviz.probes.receptive_field.axis import Axis, window
from resviz.probes.receptive_field.tracing import torch_private
from resviz.probes.receptive_field.tracing.pointwise import meet, pointwise, units_of
from resviz.probes.receptive_field.tracing.rules import rule
from resviz.probes.receptive_field.tracing.tensor import (
    Axes,
    Dims,
    Fields,
    FieldTensor,
    Shape,
    apply_unknown,
    lose,
    run_empty,
    shape_of,
)

# A step along the width, in the strides of the tensor that stands in; one along the height is the
# square. More than any height, width or sum of channels, so that sums of steps can be told apart.
_SCALE = 10**6
_SCALES = (_SCALE**2, _SCALE)


@rule(
    *("__getitem__", "narrow", "select", "chunk", "split", "tensor_split", "unbind"),
    *("permute", "transpose", "swapaxes", "movedim", "t"),
    *("unsqueeze", "squeeze", "expand", "expand_as"),
    takes_operation=True,
)
def views(func: Any, x: FieldTensor, *args: Any, **kwargs: Any) -> Any:
    """Slices and permutations, done to an empty tensor whose strides tell the dimensions apart."""
    indices = torch_private.leaves((args, kwargs))
    # indices that are tensors or lists pick any places in any order
    if x.fields is None or any(isinstance(index, Tensor | list) for index in indices):
        return apply_unknown(func, x, *args, **kwargs)
    strides = [1] * x.ndim
    for dim, scale in zip(x.fields.dims, _SCALES, strict=True):
        if dim is not None:
            strides[dim] = scale
    with torch_private.without_torch_function():
        empty = torch.empty_strided(x.shape, strides, device="meta")
        result = func(empty, *args, **kwargs)
    return torch_private.map_leaves(partial(_viewed, x, x.fields), result)


def _viewed(x: FieldTensor, fields: Fields, view: Any) -> Any:
    """The fields of a view, read from its offset and strides."""
    if not isinstance(view, Tensor):
        return view
    offset = int(view.storage_offset())
    starts = offset // _SCALE**2, offset % _SCALE**2 // _SCALE
    axes: list[Axis] = []
    dims: list[int | None] = []
    for i in (0, 1):
        dim = _dimension_of(view, _SCALES[i])
        step = 0 if dim is None else view.stride(dim) // _SCALES[i]
        axes.append(_cut(fields.axes[i], fields.units[i], view, dim, step, starts[i]))
        dims.append(dim)
    shape = tuple(view.shape)
    return x.like(shape, _fields(shape, (axes[0], axes[1]), (dims[0], dims[1])))


def _dimension_of(view: Tensor, scale: int) -> int | None:
    """Which dimension of a view steps along an axis; None if it was summed away or selected."""
    for dim, stride in enumerate(view.stride()):
        along = stride >= scale and stride % scale == 0
        if along and (scale == _SCALE**2 or stride < _SCALE**2):
            return dim - view.ndim
    return None


def _cut(axis: Axis, units: int, view: Tensor, dim: int | None, step: int, start: int) -> Axis:
    """The axis from the unit `start` on, every `step` units."""
    if start or step != 1:
        axis = window(axis, 1, step, -start, count=1 if dim is None else view.shape[dim])
    whole = dim is None or view.shape[dim] == -(-units // step)
    # where the map was cut, what a unit is depends on where it was cut
    return axis if whole else axis.bound()


def _fields(shape: Shape, axes: Axes, dims: Dims) -> Fields:
    """Fields whose units are counted from the shape."""
    return Fields(*axes, units_of(shape, dims), dims)


@rule(
    *("view", "reshape", "flatten", "unflatten", "view_as", "reshape_as", "ravel"),
    takes_operation=True,
)
def reshape(func: Any, x: FieldTensor, *args: Any, **kwargs: Any) -> FieldTensor:
    """An axis stays where a dimension of its length comes after as many numbers as before."""
    shape = shape_of(func, x, *args, **kwargs)
    if x.fields is None:
        return x.like(shape, None)
    places = {(prod(shape[:i]), n): i - len(shape) for i, n in enumerate(shape)}
    dims: list[int | None] = []
    for dim in x.fields.dims:
        place = None if dim is None else places.get((prod(x.shape[:dim]), x.shape[dim]))
        if place is None and dim is not None and x.shape[dim] > 1:
            return lose(x, shape, func.__name__)
        dims.append(place)
    return x.like(shape, _fields(shape, x.fields.axes, (dims[0], dims[1])))


@rule("cat", "concat", "concatenate")
def cat(tensors: Sequence[Any], dim: int = 0, *_: Any, **__: Any) -> FieldTensor:
    """Where branches meet side by side."""
    dim = dim if dim < 0 else dim - len(tensors[0].shape)
    sizes = list(tensors[0].shape)
    sizes[dim] = sum(tensor.shape[dim] for tensor in tensors)
    shape = tuple(sizes)
    traced = [tensor for tensor in tensors if type(tensor) is FieldTensor]
    joined = [tensor.like(shape, tensor.fields) for tensor in traced]
    result = reduce(partial(meet, shape), joined[1:], joined[0])
    if result.fields and dim in result.fields.dims:
        return lose(result, shape, "concatenation of places")
    return result


@rule("stack")
def stack(tensors: Sequence[Tensor], dim: int = 0) -> FieldTensor:
    """A concatenation along a new dimension."""
    return cat([tensor.unsqueeze(dim) for tensor in tensors], dim)


# ---- operations that take in many places


@rule(
    *("mean", "sum", "amax", "amin", "max", "min", "std", "var", "prod"),
    *("logsumexp", "norm", "argmax"),
    takes_operation=True,
)
def reduction(func: Any, x: FieldTensor, *args: Any, **kwargs: Any) -> Any:
    """A mean, a sum, a maximum over some dimensions or all."""
    if any(isinstance(value, Tensor) for value in args):  # the maximum of two tensors
        return pointwise(x, *args, **kwargs)
    over = kwargs.get("dim", args[0] if args else None)
    if over is None:
        over = range(-x.ndim, 0)
    dims = over if isinstance(over, Sequence) else (over,)
    gone = {dim if dim < 0 else dim - x.ndim for dim in dims}
    result = run_empty(func, x, *args, **kwargs)
    return torch_private.map_leaves(partial(_reduced, x, gone), result)


def _reduced(x: FieldTensor, gone: set[int], result: Any) -> Any:
    """A result without these dimensions, or with one of one unit in their place."""
    if not isinstance(result, Tensor):
        return result
    shape = tuple(result.shape)
    if x.fields is None:
        return x.like(shape, None)
    axes = _entire_along(x.fields, gone)
    if len(shape) == x.ndim:
        return x.like(shape, _fields(shape, axes, x.fields.dims))
    down, across = (_after_removal(dim, gone) for dim in x.fields.dims)
    return x.like(shape, _fields(shape, axes, (down, across)))


def _entire_along(fields: Fields, dims: set[int]) -> Axes:
    """Units that see all of the axes which lie along these dimensions."""
    rows, columns = (
        axis.entire() if dim in dims else axis
        for axis, dim in zip(fields.axes, fields.dims, strict=True)
    )
    return rows, columns


def _after_removal(dim: int | None, gone: set[int]) -> int | None:
    """Where a dimension is, counted from the end, when others are gone."""
    if dim is None or dim in gone:
        return None
    return dim + sum(other > dim for other in gone)


@rule("softmax", "log_softmax", "softmin", "cumsum")
def along(x: FieldTensor, dim: int | None = None, *_: Any, **__: Any) -> FieldTensor:
    """As large as before; what it runs along is seen as a whole."""
    if x.fields is None or dim is None:
        return x.like(x.shape, x.fields)
    axes = _entire_along(x.fields, {dim if dim < 0 else dim - x.ndim})
    return x.like(x.shape, x.fields._replace(rows=axes[0], columns=axes[1]))


@rule("normalize")
def normalize(x: FieldTensor, p: float = 2.0, dim: int = 1, *_: Any, **__: Any) -> FieldTensor:
    """Divided by the norm along a dimension."""
    return along(x, dim)


@rule("linear")
def linear(x: FieldTensor, weight: Tensor, bias: Any = None) -> FieldTensor:
    """Sees all of the last dimension; of a vector, all there is."""
    shape = (*x.shape[:-1], weight.shape[0])
    if x.ndim == 2:
        # of a vector whose places are unknown too: all of them are in the sum
        rows, columns = x.fields.axes if x.fields else (Axis(), Axis())
        everything = Fields(rows.entire(), columns.entire(), (1, 1), (None, None))
        return FieldTensor(shape, x.dtype, everything)
    if x.fields is None or -1 in x.fields.dims:
        return lose(x, shape, "linear")
    return x.like(shape, x.fields)
