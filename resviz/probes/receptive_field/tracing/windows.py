"""Convolutions, poolings, interpolation, padding: what they do to shapes and fields."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from torch import Tensor, nn

from resviz.errors import ProbeError, Sentence
from resviz.probes.receptive_field.axis import adaptive, enlarged, transposed, window
from resviz.probes.receptive_field.tracing.tensor import MAP, Dims, Seen, Traced, bound, lose

_MAPS: tuple[Dims, ...] = (MAP, (None, None))  # what a window can slide over


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
    x: Traced,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    name: str,
    channels: int,
    ceil: bool = False,
) -> Traced:
    """A convolution or pooling with these settings."""
    settings = (tuple(v) if isinstance(v, list) else v for v in (kernel, stride, padding, dilation))
    return _slid(x, _window_pair(*settings), name, channels, ceil)


def _slid(
    x: Traced, windows: tuple[_Window, _Window], name: str, channels: int, ceil: bool = False
) -> Traced:
    """After a convolution or pooling; raises `ProbeError` where the map is smaller than the kernel."""
    (*batch, _, n, m), (y, z), dims, lost, kind = x.seen
    if dims not in _MAPS:
        return lose(x, (*batch, channels, n, m), name)
    down, across = windows
    height = width = down.fits(n, ceil)
    if n != m or down is not across:
        width = across.fits(m, ceil)
    if min(n, m, height, width) < 1:
        needs = Sentence(
            "the {kernel} {name}", kernel=f"{down.kernel} x {across.kernel}", name=name
        )
        raise ProbeError(
            "a map of {n} x {m} cells is too small for {needs}; use a larger image",
            n=n,
            m=m,
            needs=needs,
        )
    ahead = aside = window(y, down.kernel, down.stride, down.before, down.dilation)
    if y is not z or down is not across:
        aside = window(z, across.kernel, across.stride, across.before, across.dilation)
    return Traced(Seen((*batch, channels, height, width), (ahead, aside), MAP, lost, kind))


def conv(
    x: Traced,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Traced:
    return _windows(x, weight.shape[2:], stride, padding, dilation, "convolution", weight.shape[0])


def conv_of(module: nn.Conv2d, x: Traced) -> Traced:
    """What a module does that pads with zeros, by its settings."""
    windows = _window_pair(module.kernel_size, module.stride, module.padding, module.dilation)
    return _slid(x, windows, "convolution", module.out_channels)


def max_pool(
    x: Traced,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Traced:
    return _windows(x, kernel_size, stride, padding, dilation, "pooling", x.form[-3], ceil_mode)


def avg_pool(
    x: Traced,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    *_: Any,
    **__: Any,
) -> Traced:
    return _windows(x, kernel_size, stride, padding, 1, "pooling", x.form[-3], ceil_mode)


def lp_pool(
    x: Traced, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Traced:
    return _windows(x, kernel_size, stride, 0, 1, "pooling", x.form[-3], ceil_mode)


def conv_transpose(
    x: Traced,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Traced:
    settings = [
        _pair(value) for value in (weight.shape[2:], stride, padding, dilation, output_padding)
    ]
    channels = weight.shape[1] * groups
    if x.dims not in _MAPS:
        return lose(x, (*x.form[:-3], channels, *x.form[-2:]), "transposed convolution")
    (ky, kx), (sy, sx), (py, px), (dy, dx), (oy, ox) = settings
    height = (x.form[-2] - 1) * sy - 2 * py + dy * (ky - 1) + oy + 1
    width = (x.form[-1] - 1) * sx - 2 * px + dx * (kx - 1) + ox + 1
    axes = transposed(x.axes[0], ky, sy, py, dy), transposed(x.axes[1], kx, sx, px, dx)
    return x.like((*x.form[:-3], channels, height, width), axes, MAP)


def adaptive_pool(x: Traced, output_size: Any, *_: Any, **__: Any) -> Traced:
    asked = output_size if isinstance(output_size, Sequence) else (output_size, output_size)
    height, width = (n if m is None else int(m) for m, n in zip(asked, x.form[-2:], strict=True))
    axes = adaptive(x.axes[0], x.form[-2], height), adaptive(x.axes[1], x.form[-1], width)
    return x.like((*x.form[:-2], height, width), axes, MAP)


def interpolate(
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
        factors = (
            scale_factor if isinstance(scale_factor, Sequence) else (scale_factor, scale_factor)
        )
        sides = int(x.form[-2] * factors[0]), int(x.form[-1] * factors[1])
    form = (*x.form[:-2], *sides)
    reach = {"nearest": 0, "bilinear": 1, "bicubic": 2}.get(mode)
    if reach is None or antialias or x.dims != MAP:
        return lose(x, form, f"interpolate ({mode})")
    y, z = (
        enlarged(x.axes[i], x.form[i - 2], sides[i], reach, bool(align_corners)) for i in (0, 1)
    )
    return x.like(form, (y, z))


def pixel_shuffle(x: Traced, upscale_factor: int) -> Traced:
    *batch, channels, height, width = x.form
    form = (*batch, channels // upscale_factor**2, height * upscale_factor, width * upscale_factor)
    y, z = (enlarged(axis, 1, upscale_factor, 0, corners=False) for axis in x.axes)
    return x.like(form, (y, z))


def pixel_unshuffle(x: Traced, downscale_factor: int) -> Traced:
    channels = x.form[-3] * downscale_factor**2
    return _windows(x, downscale_factor, downscale_factor, 0, 1, "pixel_unshuffle", channels)


def pad(x: Traced, pad: Sequence[int], mode: str = "constant", *_: Any, **__: Any) -> Traced:
    form, (y, z) = list(x.form), x.axes
    for i in range(len(pad) // 2):
        form[-1 - i] += pad[2 * i] + pad[2 * i + 1]
    before = {dim: pad[-2 - 2 * dim] for dim in range(-len(pad) // 2, 0)}
    y, z = (
        window(axis, 1, 1, before.get(dim or 0, 0))
        for axis, dim in zip((y, z), x.dims, strict=True)
    )
    padded = x.like(tuple(form), (y, z))
    return bound(padded) if mode != "constant" or min(pad) < 0 else padded
