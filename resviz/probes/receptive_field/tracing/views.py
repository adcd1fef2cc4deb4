"""Slices and permutations: what they do to shapes and fields."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from resviz.probes.receptive_field.axis import Axis, window
from resviz.probes.receptive_field.tracing import torch_private
from resviz.probes.receptive_field.tracing.layout import (
    FREE,
    Digit,
    layout_of,
    with_layout,
)
from resviz.probes.receptive_field.tracing.pointwise import dims_with_places, units_of
from resviz.probes.receptive_field.tracing.rules import rule
from resviz.probes.receptive_field.tracing.tensor import (
    Fields,
    FieldTensor,
    apply_unknown,
    lose,
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
    if func.__name__ == "expand_as":
        func, args = Tensor.expand, tuple(args[0].shape)
    indices = torch_private.leaves((args, kwargs))
    # indices that are tensors or lists pick any places in any order
    if x.fields is None or any(isinstance(index, Tensor | list) for index in indices):
        return apply_unknown(func, x, *args, **kwargs)
    if x.fields.layout is not None:
        return split_views(func, x, x.fields, *args, **kwargs)
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
    shape, place = tuple(view.shape), (dims[0], dims[1])
    return x.like(shape, Fields(axes[0], axes[1], units_of(shape, place), place))


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


@rule("__iter__")
def iterate(x: FieldTensor) -> Any:
    """One part after the other, as in `q, k, v = x`."""
    return iter(x.unbind(0))


# one a dimension, and coprime: a stride tells which dimension it steps along, and how far
_PRIMES = (1_000_003, 1_000_033, 1_000_037, 1_000_039, 1_000_081, 1_000_099, 1_000_117, 1_000_121)


def split_views(func: Any, x: FieldTensor, fields: Fields, *args: Any, **kwargs: Any) -> Any:
    """As `views`, where height and width are split: their dimensions may move, but not be cut."""
    if x.ndim > len(_PRIMES):
        return apply_unknown(func, x, *args, **kwargs)
    with torch_private.without_torch_function():
        empty = torch.empty_strided(x.shape, _PRIMES[: x.ndim], device="meta")
        result = func(empty, *args, **kwargs)
    moved = partial(_moved, x, fields, func.__name__)
    return torch_private.map_leaves(moved, result)


def _moved(x: FieldTensor, fields: Fields, name: str, view: Any) -> Any:
    """A view whose dimensions are those of `x` in another order, or free ones cut."""
    if not isinstance(view, Tensor):
        return view
    shape, before = tuple(view.shape), layout_of(x.shape, fields)
    layout: list[tuple[Digit, ...]] = []
    placed = []
    for size, stride in zip(shape, view.stride(), strict=True):
        source = next((i for i, prime in enumerate(_PRIMES[: x.ndim]) if stride == prime), None)
        digits = before[source] if source is not None and size > 1 else ()
        if any(digit.axis != FREE for digit in digits) and size == x.shape[source or 0]:
            layout.append(digits)
            placed.append(source)
        else:
            layout.append((Digit(FREE, 1, size),) if size > 1 else ())
    wanted = [dim + x.ndim for dim in dims_with_places(x.shape, fields)]
    if sorted(wanted) != sorted(d for d in placed if d is not None):
        return lose(x, shape, name)
    return x.like(shape, with_layout(fields, tuple(layout)))
