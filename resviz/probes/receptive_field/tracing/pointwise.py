"""Operations that leave places where they are, and those at which branches meet."""

from collections.abc import Sequence
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor

from resviz.errors import ProbeError
from resviz.probes.receptive_field.tracing.layout import FREE, Digit, layout_of
from resviz.probes.receptive_field.tracing.rules import rule
from resviz.probes.receptive_field.tracing.tensor import (
    Dims,
    Fields,
    FieldTensor,
    Shape,
    bind,
    lose,
)
from resviz.probes.receptive_field.union import union

_ACTIVATIONS = (
    *("relu", "prelu", "hardswish", "log_sigmoid", "logsigmoid", "softsign", "tanhshrink"),
    *("threshold", "_threshold", "__neg__", "__invert__"),
)
_DROPOUTS = (
    *("dropout", "dropout1d", "dropout2d", "dropout3d"),
    *("alpha_dropout", "feature_dropout", "feature_alpha_dropout"),
)
_COPIES = (
    *("contiguous", "to", "type", "float", "double", "half", "bfloat16"),
    *("clone", "detach", "requires_grad"),
)


@rule(*_ACTIVATIONS, *_DROPOUTS, *_COPIES, "batch_norm", "local_response_norm")
def same(x: FieldTensor, *_: Any, **__: Any) -> FieldTensor:
    """Each number comes from the one at its place."""
    return FieldTensor(x.shape, x.dtype, x.fields, x.unknown_after)


@rule("group_norm", "instance_norm")
def measuring(x: FieldTensor, *_: Any, **__: Any) -> FieldTensor:
    """A normalisation by what it measures of the whole map."""
    return bind(x)


@rule("layer_norm", "rms_norm")
def layer_norm(x: FieldTensor, normalized_shape: Sequence[int], *_: Any, **__: Any) -> FieldTensor:
    """The last dimensions are measured; a place is measured alone unless it is one of them."""
    measured = len(normalized_shape)
    if x.fields and any(dim >= -measured for dim in dims_with_places(x.shape, x.fields)):
        return bind(x)
    return x.like(x.shape, x.fields)


@rule("zeros_like", "ones_like", "rand_like", "randn_like")
def constant(x: FieldTensor, *_: Any, **__: Any) -> Tensor:
    """Of the same shape, and sees nothing."""
    return torch.empty(x.shape, dtype=x.dtype, device="meta")


@rule(
    *("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "rsub"),
    *("__truediv__", "__rtruediv__", "__rdiv__", "__floordiv__", "__rfloordiv__"),
    *("__pow__", "__rpow__", "__mod__", "__rmod__"),
    *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"),
    *("__and__", "__or__", "__xor__"),
    *("__iadd__", "__isub__", "__imul__", "__itruediv__"),
)
def pointwise(*operands: Any, **options: Any) -> FieldTensor:
    """Where branches meet, and where one that has been averaged scales the other."""
    if len(operands) == 2 and type(operands[0]) is type(operands[1]) is FieldTensor:
        a, b = operands
        if a.shape == b.shape and not options:  # the usual sum, without the detour
            return meet(a.shape, a, b)
    tensors: list[Any] = [
        value for value in (*operands, *options.values()) if isinstance(value, Tensor)
    ]
    shape = _broadcast([tuple(value.shape) for value in tensors])
    traced: list[FieldTensor] = [value for value in tensors if type(value) is FieldTensor]
    first = stretch(traced[0], shape)
    result = reduce(partial(meet, shape), traced[1:], first)
    constants = [value for value in tensors if type(value) is not FieldTensor]
    # a number for each place ties the values to the size of the map
    placed = any(_has_places(value, result) for value in constants)
    return bind(result) if placed else result


def _has_places(value: Tensor, x: FieldTensor) -> bool:
    """Whether a constant has a number for each place of its own."""
    dims = dims_with_places(x.shape, x.fields) if x.fields else []
    return any(value.ndim >= -dim and value.shape[dim] > 1 for dim in dims)


def _broadcast(shapes: Sequence[Shape]) -> Shape:
    """The common shape; raises `ProbeError` where there is none."""
    if shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    try:
        return tuple(torch.broadcast_shapes(*shapes))
    except RuntimeError:
        sizes = " and ".join(" x ".join(map(str, shape)) for shape in shapes)
        raise ProbeError(
            "tensors of {sizes} do not fit together; choose another image size", sizes=sizes
        ) from None


def meet(shape: Shape, a: FieldTensor, b: FieldTensor) -> FieldTensor:
    """The union of two branches in a map of this shape."""
    if b.shape != shape:
        b = stretch(b, shape)
    mine, others = a.fields, b.fields
    if mine is None or others is None:
        return lose(a if mine is None else b, shape, "add")
    if mine.layout is not None or others.layout is not None:
        return _meet_split(shape, a, b)
    dims = mine.dims if mine.dims == others.dims else _common(mine.dims, others.dims)
    if dims is None:
        return lose(a, shape, "add")
    height, width = units = units_of(shape, dims)
    rows = union(mine.rows, others.rows, height)
    square = mine.rows is mine.columns and others.rows is others.columns and height == width
    columns = rows if square else union(mine.columns, others.columns, width)
    return a.like(shape, Fields(rows, columns, units, dims))


def _meet_split(shape: Shape, a: FieldTensor, b: FieldTensor) -> FieldTensor:
    """As `meet`, where height and width are split or joined."""
    mine, others = a.fields, b.fields
    if mine is None or others is None:
        return lose(a, shape, "add")
    placed, other = (mine, others) if mine.layout is not None else (others, mine)
    if other.layout is None and other.dims == (None, None):  # one value for all places
        rows, columns = (
            axis.stretched(count) for axis, count in zip(other.axes, placed.units, strict=True)
        )
    elif other.layout == placed.layout:
        rows, columns = other.axes
    else:
        return lose(a, shape, "add")
    height, width = placed.units
    fields = placed._replace(
        rows=union(placed.rows, rows, height), columns=union(placed.columns, columns, width)
    )
    return a.like(shape, fields)


def dims_with_places(shape: Shape, fields: Fields) -> list[int]:
    """The dimensions that hold height and width, counted from the end."""
    return [
        dim - len(shape)
        for dim, digits in enumerate(layout_of(shape, fields))
        if any(digit.axis != FREE for digit in digits)
    ]


def _stretch_split(x: FieldTensor, fields: Fields, shape: Shape) -> FieldTensor:
    """As `stretch`, where height and width are split or joined."""
    added: list[tuple[Digit, ...]] = [()] * (len(shape) - x.ndim)
    layout = [
        digits if size == 1 or digits else (Digit(FREE, 1, size),)
        for digits, size in zip([*added, *fields.layout], shape, strict=True)
    ]
    return x.like(shape, fields._replace(layout=tuple(layout)))


def widened(x: FieldTensor, dims: Sequence[int], shape: Shape) -> FieldTensor:
    """With more values along dimensions without places."""
    if x.fields is None or x.fields.layout is None:
        return x.like(shape, x.fields)
    layout = list(x.fields.layout)
    for dim in dims:
        layout[dim] = (Digit(FREE, 1, shape[dim]),)
    return x.like(shape, x.fields._replace(layout=tuple(layout)))


def units_of(shape: Shape, dims: Dims) -> tuple[int, int]:
    """Rows and columns of a map whose height and width are these dimensions."""
    down, across = dims
    return 1 if down is None else shape[down], 1 if across is None else shape[across]


def _common(a: Dims, b: Dims) -> Dims | None:
    """Where height and width are in both, one of which may have lost them.

    None if they are not in one place.
    """
    down = b[0] if a[0] is None else a[0]
    across = b[1] if a[1] is None else a[1]
    agree = b[0] in (None, down) and b[1] in (None, across)
    return (down, across) if agree else None


def stretch(x: FieldTensor, shape: Shape) -> FieldTensor:
    """Repeated to this shape: the single unit of an axis stands in all places."""
    if x.shape == shape:
        return x
    if x.fields is None:
        return x.like(shape, None)
    if x.fields.layout is not None:
        return _stretch_split(x, x.fields, shape)
    rows, columns, _units, dims, _layout = x.fields
    down, across = dims
    units = units_of(shape, dims)
    if down is None or x.shape[down] == 1 != shape[down]:
        rows = rows.stretched(units[0])
    if across is None or x.shape[across] == 1 != shape[across]:
        columns = columns.stretched(units[1])
    return x.like(shape, Fields(rows, columns, units, dims))
