"""Operations that leave places where they are, and those at which branches meet: what they do to shapes and fields."""

from collections.abc import Sequence
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor

from resviz.errors import ProbeError
from resviz.probes.receptive_field.axis import union
from resviz.probes.receptive_field.tracing.tensor import Dims, Seen, Shape, Traced, bound


def same(x: Traced, *_: Any, **__: Any) -> Traced:
    return Traced(x.seen)


def measuring(x: Traced, *_: Any, **__: Any) -> Traced:
    """A normalisation by what it measures of the whole map."""
    return bound(x)


def layer_norm(x: Traced, normalized_shape: Sequence[int], *_: Any, **__: Any) -> Traced:
    over = range(-len(normalized_shape), 0)
    return bound(x) if any(dim in over for dim in x.dims) else x.like(x.form)


def constant(x: Traced, *_: Any, **__: Any) -> Tensor:
    """Of the same shape, and sees nothing."""
    return torch.empty(x.form, dtype=x.kind, device="meta")


def pointwise(*operands: Any, **options: Any) -> Traced:
    """Also where two branches meet, and where one that has been averaged scales the other."""
    if len(operands) == 2 and type(operands[0]) is type(operands[1]) is Traced and not options:
        a, b = operands
        if a.form == b.form:  # the usual sum, without the detour
            return meet(a.form, a, b)
    values: list[Any] = [
        value for value in (*operands, *options.values()) if isinstance(value, Tensor)
    ]
    traced: list[Traced] = [value for value in values if type(value) is Traced]
    form = _broadcast(
        [value.form if type(value) is Traced else tuple(value.shape) for value in values]
    )
    met = reduce(partial(meet, form), traced[1:], stretch(traced[0], form))
    placed = len(values) > len(traced) and any(_placed(value, met) for value in values)
    return bound(met) if placed else met


def _placed(value: Tensor, x: Traced) -> bool:
    """Whether a constant has a number for each place of its own."""
    if isinstance(value, Traced):
        return False
    return any(dim is not None and value.ndim >= -dim and value.shape[dim] > 1 for dim in x.dims)


def _broadcast(forms: Sequence[Shape]) -> Shape:
    """The common shape; raises `ProbeError` where there is none."""
    if forms.count(forms[0]) == len(forms):
        return forms[0]
    try:
        return tuple(torch.broadcast_shapes(*forms))
    except RuntimeError:
        told = " and ".join(" x ".join(map(str, form)) for form in forms)
        raise ProbeError(
            "tensors of {told} do not fit together; choose another image size", told=told
        ) from None


def meet(form: Shape, a: Traced, b: Traced) -> Traced:
    """The union of two branches in a map of this shape."""
    mine, yours = a.seen, stretch(b, form).seen
    dims = mine.dims if mine.dims == yours.dims else _common(mine.dims, yours.dims)
    lost = mine.lost or yours.lost or ("" if dims else "add")
    if lost or not dims:
        return Traced(Seen(form, mine.axes, mine.dims, lost, mine.kind))
    (y, x), (v, u), (down, across) = mine.axes, yours.axes, dims
    height, width = 1 if down is None else form[down], 1 if across is None else form[across]
    rows = union(y, v, height)
    columns = rows if x is y and u is v and height == width else union(x, u, width)
    return Traced(Seen(form, (rows, columns), dims, "", mine.kind))


def _common(a: Dims, b: Dims) -> Dims | None:
    """Where height and width are in both, one of which may have lost them; None if they are not in one place."""
    (y, x), (v, u) = a, b
    dims = v if y is None else y, u if x is None else x
    return dims if v in (None, dims[0]) and u in (None, dims[1]) else None


def stretch(x: Traced, form: Shape) -> Traced:
    """Repeated to this shape: the single unit of an axis stands in all places."""
    if x.form == form or x.lost:
        return x if x.form == form else x.like(form)
    alone = [dim is None or x.form[dim] == 1 != form[dim] for dim in x.dims]
    y, z = (
        axis.stretched() if single else axis for axis, single in zip(x.axes, alone, strict=True)
    )
    return x.like(form, (y, z))
