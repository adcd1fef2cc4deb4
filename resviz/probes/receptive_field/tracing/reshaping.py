"""Operations that move, cut, join or sum up dimensions: what they do to shapes and fields."""

from collections.abc import Sequence
from functools import partial, reduce
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from resviz.probes.receptive_field.axis import window
from resviz.probes.receptive_field.tracing.pointwise import meet, pointwise
from resviz.probes.receptive_field.tracing.tensor import (
    Seen,
    Traced,
    form_of,
    lose,
    run_empty,
    unknown,
)

_SCALE = 10**6  # more than any height, width or sum of channels


def views(func: Any, x: Traced, *args: Any, **kwargs: Any) -> Any:
    """Slices and permutations: done to an empty tensor whose strides tell height, width and the other dimensions."""
    if any(isinstance(leaf, Tensor | list) for leaf in tree_leaves((args, kwargs))):
        return unknown(func, x, *args, **kwargs)
    strides = [1] * len(x.form)
    for dim, scale in zip(x.dims, (_SCALE**2, _SCALE), strict=True):
        if dim is not None:
            strides[dim] = scale
    with torch._C.DisableTorchFunctionSubclass():
        result = func(torch.empty_strided(x.form, strides, device="meta"), *args, **kwargs)
    return tree_map(lambda view: _viewed(x, view) if isinstance(view, Tensor) else view, result)


def _viewed(x: Traced, view: Tensor) -> Traced:
    offset, strides = int(view.storage_offset()), view.stride()
    starts = offset // _SCALE**2, offset % _SCALE**2 // _SCALE
    dims: list[int | None] = []
    axes = []
    for axis, before, start, scale in zip(x.axes, x.dims, starts, (_SCALE**2, _SCALE), strict=True):
        found = [i for i, stride in enumerate(strides) if stride >= scale and stride % scale == 0]
        found = [i for i in found if scale == _SCALE**2 or strides[i] < _SCALE**2]
        step = strides[found[0]] // scale if found else 0
        dims.append(found[0] - len(strides) if found else None)
        axis = window(axis, 1, step, -start) if start or step != 1 else axis
        whole = not found or before is None or view.shape[found[0]] == -(-x.form[before] // step)
        axes.append(axis if whole else axis.bound())
    return x.like(tuple(view.shape), (axes[0], axes[1]), (dims[0], dims[1]))


def reshape(func: Any, x: Traced, *args: Any, **kwargs: Any) -> Traced:
    """A view keeps an axis if a dimension of its length comes after as many numbers as before."""
    form = form_of(func, x, *args, **kwargs)
    if x.lost:
        return x.like(form)
    places = {(prod(form[:i]), n): i - len(form) for i, n in enumerate(form)}
    dims = [d if d is None else places.get((prod(x.form[:d]), x.form[d])) for d in x.dims]
    gone = any(
        new is None and old is not None and x.form[old] > 1
        for old, new in zip(x.dims, dims, strict=True)
    )
    return lose(x, form, func.__name__) if gone else x.like(form, None, (dims[0], dims[1]))


def cat(tensors: Sequence[Any], dim: int = 0, *_: Any, **__: Any) -> Traced:
    ndim = len(tensors[0].shape)
    dim = dim if dim < 0 else dim - ndim
    form = list(tensors[0].shape)
    form[dim] = sum(tensor.shape[dim] for tensor in tensors)
    traced = [tensor.like(tuple(form)) for tensor in tensors if type(tensor) is Traced]
    found = reduce(partial(meet, tuple(form)), traced[1:], traced[0])
    return lose(found, tuple(form), "concatenation of places") if dim in found.dims else found


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Traced:
    return cat([tensor.unsqueeze(dim) for tensor in tensors], dim)


# ---- operations that take in many places


def reduction(func: Any, x: Traced, *args: Any, **kwargs: Any) -> Any:
    """A mean, a sum, a maximum over some dimensions or all."""
    if any(isinstance(value, Tensor) for value in args):  # maximum of two
        return pointwise(x, *args, **kwargs)
    over = kwargs.get("dim", args[0] if args else None)
    over = (
        range(-len(x.form), 0) if over is None else over if isinstance(over, Sequence) else (over,)
    )
    gone = {d if d < 0 else d - len(x.form) for d in over}

    def reduced(result: Tensor) -> Traced:
        form = tuple(result.shape)
        keeps = len(form) == len(x.form)
        y, z = (
            axis.entire() if d in gone else axis for axis, d in zip(x.axes, x.dims, strict=True)
        )
        dims = [d if keeps or d is None else _left(d, gone) for d in x.dims]
        return x.like(form, (y, z), (dims[0], dims[1]))

    return tree_map(
        lambda value: reduced(value) if isinstance(value, Tensor) else value,
        run_empty(func, x, *args, **kwargs),
    )


def _left(dim: int, gone: set[int]) -> int | None:
    """Where a dimension is, counted from the end, when others are gone."""
    return None if dim in gone else dim + sum(other > dim for other in gone)


def along(x: Traced, dim: int | None = None, *_: Any, **__: Any) -> Traced:
    """Softmax: as large as before; what it runs along is seen as a whole."""
    at = None if dim is None else dim if dim < 0 else dim - len(x.form)
    y, z = (
        axis.entire() if at is not None and d == at else axis
        for axis, d in zip(x.axes, x.dims, strict=True)
    )
    return x.like(x.form, (y, z))


def normalize(x: Traced, p: float = 2.0, dim: int = 1, *_: Any, **__: Any) -> Traced:
    return along(x, dim)


def linear(x: Traced, weight: Tensor, bias: Any = None) -> Traced:
    """Sees all of the last dimension; of a vector, all there is."""
    form = (*x.form[:-1], weight.shape[0])
    if len(x.form) == 2:
        return Traced(
            Seen(form, (x.axes[0].entire(), x.axes[1].entire()), (None, None), "", x.kind)
        )
    return lose(x, form, "linear") if -1 in x.dims else x.like(form)
