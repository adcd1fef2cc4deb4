"""An empty tensor that goes through a network in place of an image and carries the fields of its units (`fields.py`).

torch hands every operation on it to `Traced.__torch_function__`, which knows shapes and fields but no numbers. Rules
exist for what places: convolutions, pooling, interpolation, padding, slices, permutations, views, concatenation,
means; pointwise are the operations that torch itself tags so. What another operation does to places is unknown: its
result remembers the operation's name in `lost`, and so does all that comes of it, until a linear layer sees all.
"""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial, reduce
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from resviz.errors import ProbeError
from resviz.probes.fields import Axis, adaptive, enlarged, transposed, union, window

Shape = tuple[int, ...]
Dims = tuple[int | None, int | None]  # of height and width, counted from the end; None: summed away, or a single one
Axes = tuple[Axis, Axis]
MAP: Dims = (-2, -1)
_PIXELS = Axis()  # each sees itself
_MAPS: tuple[Dims, ...] = (MAP, (None, None))  # what a window can slide over
_SCALE = 10**6  # more than any height, width or sum of channels


class Traced(Tensor):
    """No numbers: a shape (`form`), the fields along height and width, and the dimensions these two are."""

    form: Shape
    axes: Axes
    dims: Dims
    kind: torch.dtype
    lost: str  # the operation after which the fields are unknown

    @classmethod
    def of(
        cls, form: Shape, axes: Axes, dims: Dims = MAP, lost: str = "", dtype: torch.dtype = torch.float32
    ) -> "Traced":
        traced = Tensor._make_subclass(cls, _stand_in(dtype))
        traced.form, traced.axes, traced.dims, traced.lost, traced.kind = form, axes, dims, lost, dtype
        return traced

    @classmethod
    def image(cls, channels: int, sides: tuple[int, int], dtype: torch.dtype) -> "Traced":
        """An image, each pixel of which sees itself; raises `ProbeError` if it has none."""
        if min(sides) < 1:
            raise ProbeError(f"an image has 1 x 1 pixels at least, got {sides[0]} x {sides[1]}")
        return cls.of((1, channels, *sides), (_PIXELS, _PIXELS), MAP, "", dtype)

    def like(self, form: Shape, axes: Axes | None = None, dims: Dims | None = None) -> "Traced":
        """A result with this shape and, unless given, the same fields."""
        return Traced.of(form, axes or self.axes, dims or self.dims, self.lost, self.kind)

    @property
    def shape(self) -> torch.Size:  # type: ignore[override]
        return torch.Size(self.form)

    @property
    def ndim(self) -> int:  # type: ignore[override]
        return len(self.form)

    def dim(self) -> int:
        return len(self.form)

    def size(self, dim: int | None = None) -> Any:
        return torch.Size(self.form) if dim is None else self.form[dim]

    def numel(self) -> int:
        return prod(self.form)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name: str = func.__name__
        rule = _rule(name) or partial(_unknown, func)
        into = args[0] if args and _in_place(name) else None
        if into is not None and not isinstance(into, cls):
            raise ProbeError(f"the receptive field cannot be followed into a buffer ({name}); choose another model")
        result = rule(*args, **(kwargs or {}))
        if into is None:
            return result
        if name == "__setitem__":
            into.lost = into.lost or name
        else:
            into.form, into.axes, into.dims, into.lost = result.form, result.axes, result.dims, result.lost
        return into


@lru_cache
def _stand_in(dtype: torch.dtype) -> Tensor:
    return torch.empty(1, dtype=dtype, device="meta")


@cache
def _in_place(name: str) -> bool:
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__")) or name in _IN_PLACE


@cache
def _rule(name: str) -> Callable[..., Any] | None:
    """What an operation of torch does to shapes and fields."""
    plain = name if name.endswith("__") else name.rstrip("_")
    if rule := _RULES.get(name) or _RULES.get(plain):
        return rule
    packet = getattr(torch.ops.aten, plain, None)
    if not isinstance(packet, torch._ops.OpOverloadPacket):
        return None
    overloads = (getattr(packet, overload) for overload in packet.overloads())
    return _pointwise if any(torch.Tag.pointwise in overload.tags for overload in overloads) else None


# ---- operations that leave places where they are


def _same(x: Traced, *_: Any, **__: Any) -> Traced:
    return x.like(x.form)


def _measuring(x: Traced, *_: Any, **__: Any) -> Traced:
    """A normalisation by what it measures of the whole map."""
    return _bound(x)


def _layer_norm(x: Traced, normalized_shape: Sequence[int], *_: Any, **__: Any) -> Traced:
    over = range(-len(normalized_shape), 0)
    return _bound(x) if any(dim in over for dim in x.dims) else x.like(x.form)


def _bound(x: Traced) -> Traced:
    return x.like(x.form, (x.axes[0].bound(), x.axes[1].bound()))


def _constant(x: Traced, *_: Any, **__: Any) -> Tensor:
    """Of the same shape, and sees nothing."""
    return torch.empty(x.form, dtype=x.kind, device="meta")


def _pointwise(*operands: Any, **options: Any) -> Traced:
    """Also where two branches meet, and where one that has been averaged scales the other."""
    values = [value for value in (*operands, *options.values()) if isinstance(value, Tensor)]
    traced = [value for value in values if isinstance(value, Traced)]
    forms = [value.form if isinstance(value, Traced) else tuple(value.shape) for value in values]
    form = forms[0] if forms.count(forms[0]) == len(forms) else _broadcast(forms)
    met = reduce(partial(_meet, form), traced[1:], _stretch(traced[0], form))
    placed = len(values) > len(traced) and any(_placed(value, met) for value in values)
    return _bound(met) if placed else met


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
        raise ProbeError(f"tensors of {told} do not fit together; choose another image size") from None


def _meet(form: Shape, a: Traced, b: Traced) -> Traced:
    """The union of two branches in a map of this shape."""
    b = _stretch(b, form)
    if a.lost or b.lost:
        return Traced.of(form, a.axes, a.dims, a.lost or b.lost, a.kind)
    axes, dims = [], []
    for mine, yours, here, there in zip(a.axes, b.axes, a.dims, b.dims, strict=True):
        if here is not None and there is not None and here != there:
            return Traced.of(form, a.axes, a.dims, "add", a.kind)
        dims.append(there if here is None else here)
        axes.append(union(mine, yours, 1 if dims[-1] is None else form[dims[-1]]))
    return Traced.of(form, (axes[0], axes[1]), (dims[0], dims[1]), "", a.kind)


def _stretch(x: Traced, form: Shape) -> Traced:
    """Repeated to this shape: the single unit of an axis stands in all places."""
    if x.form == form or x.lost:
        return x if x.form == form else x.like(form)
    alone = [dim is None or x.form[dim] == 1 != form[dim] for dim in x.dims]
    y, z = (axis.stretched() if single else axis for axis, single in zip(x.axes, alone, strict=True))
    return x.like(form, (y, z))


# ---- windows


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[-1]))


class _Window(NamedTuple):
    """Of a convolution or pooling along one axis; `both` is the padding on both sides together."""

    kernel: int
    stride: int
    dilation: int
    before: int
    both: int

    def fits(self, units: int, ceil: bool) -> int:
        """Windows that fit; with `ceil`, one more if it starts inside the map or the padding before it."""
        room = units + self.both - (self.kernel - 1) * self.dilation - 1
        count = (-(-room // self.stride) if ceil else room // self.stride) + 1
        return count - 1 if ceil and (count - 1) * self.stride >= units + self.before else count


@lru_cache
def _window_pair(kernel: Any, stride: Any, padding: Any, dilation: Any) -> tuple[_Window, _Window]:
    """Along height and width, the same object where they are equal."""
    kernels, dilations = _pair(kernel), _pair(dilation)
    strides = _pair(stride) if stride else kernels  # a pooling's default

    def along(i: int) -> _Window:
        reach = (kernels[i] - 1) * dilations[i]
        if isinstance(padding, str):
            before, both = (reach // 2, reach) if padding == "same" else (0, 0)
        else:
            before, both = _pair(padding)[i], 2 * _pair(padding)[i]
        return _Window(kernels[i], strides[i], dilations[i], before, both)

    y, x = along(0), along(1)
    return (y, y) if x == y else (y, x)


def _windows(
    x: Traced, kernel: Any, stride: Any, padding: Any, dilation: Any, name: str, channels: int, ceil: bool = False
) -> Traced:
    """A convolution or pooling; raises `ProbeError` where the map is smaller than the kernel."""
    if x.dims not in _MAPS:
        return _lose(x, (*x.form[:-3], channels, *x.form[-2:]), name)
    settings = (tuple(value) if isinstance(value, list) else value for value in (kernel, stride, padding, dilation))
    down, across = _window_pair(*settings)
    *batch, _, n, m = x.form
    height, width = down.fits(n, ceil), across.fits(m, ceil)
    if min(n, m, height, width) < 1:
        needs = f"the {down.kernel} x {across.kernel} {name}"
        raise ProbeError(f"a map of {n} x {m} cells is too small for {needs}; use a larger image")
    y, z = x.axes
    ahead = window(y, down.kernel, down.stride, down.before, down.dilation)
    aside = ahead
    if y is not z or down is not across:
        aside = window(z, across.kernel, across.stride, across.before, across.dilation)
    return x.like((*batch, channels, height, width), (ahead, aside), MAP)


def _conv(
    x: Traced, weight: Tensor, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Traced:
    return _windows(x, weight.shape[2:], stride, padding, dilation, "convolution", weight.shape[0])


def _max_pool(
    x: Traced,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Traced:
    return _windows(x, kernel_size, stride, padding, dilation, "pooling", x.form[-3], ceil_mode)


def _avg_pool(
    x: Traced, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, *_: Any, **__: Any
) -> Traced:
    return _windows(x, kernel_size, stride, padding, 1, "pooling", x.form[-3], ceil_mode)


def _lp_pool(x: Traced, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Traced:
    return _windows(x, kernel_size, stride, 0, 1, "pooling", x.form[-3], ceil_mode)


def _conv_transpose(
    x: Traced,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Traced:
    settings = [_pair(value) for value in (weight.shape[2:], stride, padding, dilation, output_padding)]
    channels = weight.shape[1] * groups
    if x.dims not in _MAPS:
        return _lose(x, (*x.form[:-3], channels, *x.form[-2:]), "transposed convolution")
    (ky, kx), (sy, sx), (py, px), (dy, dx), (oy, ox) = settings
    height = (x.form[-2] - 1) * sy - 2 * py + dy * (ky - 1) + oy + 1
    width = (x.form[-1] - 1) * sx - 2 * px + dx * (kx - 1) + ox + 1
    axes = transposed(x.axes[0], ky, sy, py, dy), transposed(x.axes[1], kx, sx, px, dx)
    return x.like((*x.form[:-3], channels, height, width), axes, MAP)


def _adaptive_pool(x: Traced, output_size: Any, *_: Any, **__: Any) -> Traced:
    asked = output_size if isinstance(output_size, Sequence) else (output_size, output_size)
    height, width = (n if m is None else int(m) for m, n in zip(asked, x.form[-2:], strict=True))
    axes = adaptive(x.axes[0], x.form[-2], height), adaptive(x.axes[1], x.form[-1], width)
    return x.like((*x.form[:-2], height, width), axes, MAP)


def _interpolate(
    x: Traced,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Traced:
    if size is not None:
        sides = _pair(size)
    else:
        factors = scale_factor if isinstance(scale_factor, Sequence) else (scale_factor, scale_factor)
        sides = int(x.form[-2] * factors[0]), int(x.form[-1] * factors[1])
    form = (*x.form[:-2], *sides)
    reach = {"nearest": 0, "bilinear": 1, "bicubic": 2}.get(mode)
    if reach is None or antialias or x.dims != MAP:
        return _lose(x, form, f"interpolate ({mode})")
    y, z = (enlarged(x.axes[i], x.form[i - 2], sides[i], reach, bool(align_corners)) for i in (0, 1))
    return x.like(form, (y, z))


def _pixel_shuffle(x: Traced, upscale_factor: int) -> Traced:
    *batch, channels, height, width = x.form
    form = (*batch, channels // upscale_factor**2, height * upscale_factor, width * upscale_factor)
    y, z = (enlarged(axis, 1, upscale_factor, 0, corners=False) for axis in x.axes)
    return x.like(form, (y, z))


def _pixel_unshuffle(x: Traced, downscale_factor: int) -> Traced:
    channels = x.form[-3] * downscale_factor**2
    return _windows(x, downscale_factor, downscale_factor, 0, 1, "pixel_unshuffle", channels)


def _pad(x: Traced, pad: Sequence[int], mode: str = "constant", *_: Any, **__: Any) -> Traced:
    form, (y, z) = list(x.form), x.axes
    for i in range(len(pad) // 2):
        form[-1 - i] += pad[2 * i] + pad[2 * i + 1]
    before = {dim: pad[-2 - 2 * dim] for dim in range(-len(pad) // 2, 0)}
    y, z = (window(axis, 1, 1, before.get(dim or 0, 0)) for axis, dim in zip((y, z), x.dims, strict=True))
    padded = x.like(tuple(form), (y, z))
    return _bound(padded) if mode != "constant" or min(pad) < 0 else padded


# ---- operations that move, cut or join dimensions


def _views(func: Any, x: Traced, *args: Any, **kwargs: Any) -> Any:
    """Slices and permutations: done to an empty tensor whose strides tell height, width and the other dimensions."""
    if any(isinstance(leaf, Tensor | list) for leaf in tree_leaves((args, kwargs))):
        return _unknown(func, x, *args, **kwargs)
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


def _reshape(func: Any, x: Traced, *args: Any, **kwargs: Any) -> Traced:
    """A view keeps an axis if a dimension of its length comes after as many numbers as before."""
    form = _form(func, x, *args, **kwargs)
    if x.lost:
        return x.like(form)
    places = {(prod(form[:i]), n): i - len(form) for i, n in enumerate(form)}
    dims = [d if d is None else places.get((prod(x.form[:d]), x.form[d])) for d in x.dims]
    gone = any(new is None and old is not None and x.form[old] > 1 for old, new in zip(x.dims, dims, strict=True))
    return _lose(x, form, func.__name__) if gone else x.like(form, None, (dims[0], dims[1]))


def _cat(tensors: Sequence[Tensor], dim: int = 0, *_: Any, **__: Any) -> Traced:
    ndim = len(tensors[0].shape)
    dim = dim if dim < 0 else dim - ndim
    form = list(tensors[0].shape)
    form[dim] = sum(tensor.shape[dim] for tensor in tensors)
    traced = [tensor.like(tuple(form)) for tensor in tensors if isinstance(tensor, Traced)]
    found = reduce(partial(_meet, tuple(form)), traced[1:], traced[0])
    return _lose(found, tuple(form), "concatenation of places") if dim in found.dims else found


def _stack(tensors: Sequence[Tensor], dim: int = 0) -> Traced:
    return _cat([tensor.unsqueeze(dim) for tensor in tensors], dim)


# ---- operations that take in many places


def _reduction(func: Any, x: Traced, *args: Any, **kwargs: Any) -> Any:
    """A mean, a sum, a maximum over some dimensions or all."""
    if any(isinstance(value, Tensor) for value in args):  # maximum of two
        return _pointwise(x, *args, **kwargs)
    over = kwargs.get("dim", args[0] if args else None)
    over = range(-len(x.form), 0) if over is None else over if isinstance(over, Sequence) else (over,)
    gone = {d if d < 0 else d - len(x.form) for d in over}

    def reduced(result: Tensor) -> Traced:
        form = tuple(result.shape)
        keeps = len(form) == len(x.form)
        y, z = (axis.entire() if d in gone else axis for axis, d in zip(x.axes, x.dims, strict=True))
        dims = [d if keeps or d is None else _left(d, gone) for d in x.dims]
        return x.like(form, (y, z), (dims[0], dims[1]))

    return tree_map(
        lambda value: reduced(value) if isinstance(value, Tensor) else value, _run(func, x, *args, **kwargs)
    )


def _left(dim: int, gone: set[int]) -> int | None:
    """Where a dimension is, counted from the end, when others are gone."""
    return None if dim in gone else dim + sum(other > dim for other in gone)


def _along(x: Traced, dim: int | None = None, *_: Any, **__: Any) -> Traced:
    """Softmax: as large as before; what it runs along is seen as a whole."""
    at = None if dim is None else dim if dim < 0 else dim - len(x.form)
    y, z = (axis.entire() if at is not None and d == at else axis for axis, d in zip(x.axes, x.dims, strict=True))
    return x.like(x.form, (y, z))


def _normalize(x: Traced, p: float = 2.0, dim: int = 1, *_: Any, **__: Any) -> Traced:
    return _along(x, dim)


def _linear(x: Traced, weight: Tensor, bias: Any = None) -> Traced:
    """Sees all of the last dimension; of a vector, all there is."""
    form = (*x.form[:-1], weight.shape[0])
    if len(x.form) == 2:
        return Traced.of(form, (x.axes[0].entire(), x.axes[1].entire()), (None, None), "", x.kind)
    return _lose(x, form, "linear") if -1 in x.dims else x.like(form)


# ---- operations without a rule


def _unknown(func: Any, *args: Any, **kwargs: Any) -> Any:
    """The right shape, and no fields any more."""
    result = _run(func, *args, **kwargs)
    traced = next((leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Traced)), None)
    if traced is None:
        return result
    name = traced.lost or func.__name__

    def lost(value: Any) -> Any:
        return _lose(traced, tuple(value.shape), name) if isinstance(value, Tensor) else value

    return tree_map(lost, result)


def _run(func: Any, *args: Any, **kwargs: Any) -> Any:
    """The operation on tensors that have shapes and no numbers; raises `ProbeError` if it cannot do without."""

    def empty(value: Any) -> Any:
        if isinstance(value, Traced):
            return torch.empty(value.form, dtype=value.kind, device="meta")
        return value.to("meta") if isinstance(value, Tensor) else value

    with torch._C.DisableTorchFunctionSubclass():
        args, kwargs = tree_map(empty, (args, kwargs))
        try:
            return func(*args, **kwargs)
        except (RuntimeError, NotImplementedError, TypeError) as reason:
            told = f"{func.__name__} ({str(reason).splitlines()[0]})"
            raise ProbeError(
                f"fields cannot be followed through the operation {told}; choose another model or image size"
            ) from None


def _form(func: Any, *args: Any, **kwargs: Any) -> Shape:
    return tuple(_run(func, *args, **kwargs).shape)


def _lose(x: Traced, form: Shape, name: str) -> Traced:
    return Traced.of(form, x.axes, (None, None), x.lost or name, x.kind)


def _named(names: str, rule: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    return dict.fromkeys(names.split(), rule)


def _with_func(names: str, rule: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """Rules that also run the operation itself, as a method of tensors or of torch."""
    return {name: partial(rule, _function(name)) for name in names.split()}


def _function(name: str) -> Any:
    return getattr(Tensor, name, None) or getattr(torch, name)


_IN_PLACE = {"__iadd__", "__isub__", "__imul__", "__itruediv__"}
_RULES: dict[str, Callable[..., Any]] = {
    **_named(
        "relu batch_norm local_response_norm prelu "
        "dropout dropout1d dropout2d dropout3d alpha_dropout feature_dropout feature_alpha_dropout "
        "contiguous to type float double half bfloat16 "
        "clone detach hardswish log_sigmoid logsigmoid softsign tanhshrink threshold _threshold requires_grad "
        "__neg__",
        _same,
    ),
    **_named("group_norm instance_norm", _measuring),
    **_named("layer_norm rms_norm", _layer_norm),
    **_named("zeros_like ones_like rand_like randn_like", _constant),
    **_named("__add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __pow__ rsub", _pointwise),
    **_named(" ".join(_IN_PLACE), _pointwise),
    **_named("conv2d", _conv),
    **_named("conv_transpose2d", _conv_transpose),
    **_named("max_pool2d", _max_pool),
    **_named("avg_pool2d", _avg_pool),
    **_named("lp_pool2d", _lp_pool),
    **_named("adaptive_avg_pool2d adaptive_max_pool2d", _adaptive_pool),
    **_named("interpolate upsample", _interpolate),
    **_named("pixel_shuffle", _pixel_shuffle),
    **_named("pixel_unshuffle", _pixel_unshuffle),
    **_named("pad", _pad),
    **_named("cat concat concatenate", _cat),
    **_named("stack", _stack),
    **_named("softmax log_softmax softmin cumsum", _along),
    **_named("normalize", _normalize),
    **_named("linear", _linear),
    **_with_func(
        "__getitem__ permute transpose swapaxes movedim unsqueeze squeeze narrow select chunk split unbind "
        "tensor_split expand expand_as t",
        _views,
    ),
    **_with_func("view reshape flatten unflatten view_as reshape_as ravel", _reshape),
    **_with_func("mean sum amax amin max min std var prod logsumexp norm argmax", _reduction),
}
