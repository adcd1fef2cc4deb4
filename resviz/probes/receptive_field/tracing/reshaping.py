"""Operations that join, split or sum up dimensions: what they do to shapes and fields."""

from collections.abc import Sequence
from functools import partial, reduce
from math import prod
from typing import Any

from torch import Tensor

from resviz.probes.receptive_field.tracing import torch_private
from resviz.probes.receptive_field.tracing.layout import (
    layout_of,
    mix_over,
    regrouped,
    sum_over,
    with_layout,
)
from resviz.probes.receptive_field.tracing.pointwise import (
    dims_with_places,
    meet,
    pointwise,
    units_of,
    widened,
)
from resviz.probes.receptive_field.tracing.rules import rule
from resviz.probes.receptive_field.tracing.tensor import (
    Axes,
    Dims,
    Fields,
    FieldTensor,
    Shape,
    lose,
    run_empty,
    shape_of,
)


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
    if x.fields.layout is None and (dims := _dims_after(x.fields.dims, x.shape, shape)):
        return x.like(shape, _fields(shape, x.fields.axes, dims))
    layout = regrouped(layout_of(x.shape, x.fields), shape)
    if layout is None:
        return lose(x, shape, func.__name__)
    return x.like(shape, with_layout(x.fields, layout))


def _dims_after(dims: Dims, before: Shape, after: Shape) -> Dims | None:
    """Where height and width are after a reshape that leaves them as they are, else None."""
    places = {(prod(after[:i]), n): i - len(after) for i, n in enumerate(after)}
    moved: list[int | None] = []
    for dim in dims:
        place = None if dim is None else places.get((prod(before[:dim]), before[dim]))
        if place is None and dim is not None and before[dim] > 1:
            return None
        moved.append(place)
    down, across = moved
    # two single units in one dimension stand nowhere
    return (None, None) if down == across else (down, across)


@rule("cat", "concat", "concatenate")
def cat(tensors: Sequence[Any], dim: int = 0, *_: Any, **__: Any) -> FieldTensor:
    """Where branches meet side by side."""
    dim = dim if dim < 0 else dim - len(tensors[0].shape)
    sizes = list(tensors[0].shape)
    sizes[dim] = sum(tensor.shape[dim] for tensor in tensors)
    shape = tuple(sizes)
    traced = [tensor for tensor in tensors if type(tensor) is FieldTensor]
    for tensor in traced:
        if tensor.fields and dim in dims_with_places(tensor.shape, tensor.fields):
            return lose(tensor, shape, "concatenation of places")
    joined = [widened(tensor, [dim], shape) for tensor in traced]
    return reduce(partial(meet, shape), joined[1:], joined[0])


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
    if x.fields.layout is not None:
        return x.like(shape, _reduced_split(x, x.fields, gone, shape))
    axes = _entire_along(x.fields, gone)
    if len(shape) == x.ndim:
        return x.like(shape, _fields(shape, axes, x.fields.dims))
    down, across = (_after_removal(dim, gone) for dim in x.fields.dims)
    return x.like(shape, _fields(shape, axes, (down, across)))


def _reduced_split(x: FieldTensor, fields: Fields, gone: set[int], shape: Shape) -> Fields:
    """The fields without these dimensions, where height and width are split."""
    layout = layout_of(x.shape, fields)
    for dim in gone:
        fields = sum_over(fields, dim, layout)
        layout = layout_of(x.shape, fields)
    left = [() if d - x.ndim in gone else digits for d, digits in enumerate(layout)]
    if len(shape) < x.ndim:
        left = [digits for d, digits in enumerate(left) if d - x.ndim not in gone]
    return with_layout(fields, tuple(left))


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
    if x.fields.layout is not None:
        return x.like(x.shape, mix_over(x.fields, dim, x.fields.layout))
    axes = _entire_along(x.fields, {dim if dim < 0 else dim - x.ndim})
    return x.like(x.shape, x.fields._replace(rows=axes[0], columns=axes[1]))


@rule("normalize")
def normalize(x: FieldTensor, p: float = 2.0, dim: int = 1, *_: Any, **__: Any) -> FieldTensor:
    """Divided by the norm along a dimension."""
    return along(x, dim)
