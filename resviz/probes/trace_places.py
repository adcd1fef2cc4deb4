"""Operations that leave places where they are, and those at which branches meet: what they do to shapes and fields."""

from collections.abc import Sequence
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor

from resviz.errors import ProbeError
from resviz.probes.fields import union
from resviz.probes.traced import Shape, Traced, bound


def same(x: Traced, *_: Any, **__: Any) -> Traced:
    return x.like(x.form)


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
    values = [value for value in (*operands, *options.values()) if isinstance(value, Tensor)]
    traced = [value for value in values if isinstance(value, Traced)]
    forms = [value.form if isinstance(value, Traced) else tuple(value.shape) for value in values]
    form = forms[0] if forms.count(forms[0]) == len(forms) else _broadcast(forms)
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
    try:
        return tuple(torch.broadcast_shapes(*forms))
    except RuntimeError:
        told = " and ".join(" x ".join(map(str, form)) for form in forms)
        raise ProbeError("tensors of {told} do not fit together; choose another image size", told=told) from None


def meet(form: Shape, a: Traced, b: Traced) -> Traced:
    """The union of two branches in a map of this shape."""
    b = stretch(b, form)
    if a.lost or b.lost:
        return Traced.of(form, a.axes, a.dims, a.lost or b.lost, a.kind)
    axes, dims = [], []
    for mine, yours, here, there in zip(a.axes, b.axes, a.dims, b.dims, strict=True):
        if here is not None and there is not None and here != there:
            return Traced.of(form, a.axes, a.dims, "add", a.kind)
        dims.append(there if here is None else here)
        axes.append(union(mine, yours, 1 if dims[-1] is None else form[dims[-1]]))
    return Traced.of(form, (axes[0], axes[1]), (dims[0], dims[1]), "", a.kind)


def stretch(x: Traced, form: Shape) -> Traced:
    """Repeated to this shape: the single unit of an axis stands in all places."""
    if x.form == form or x.lost:
        return x if x.form == form else x.like(form)
    alone = [dim is None or x.form[dim] == 1 != form[dim] for dim in x.dims]
    y, z = (axis.stretched() if single else axis for axis, single in zip(x.axes, alone, strict=True))
    return x.like(form, (y, z))
