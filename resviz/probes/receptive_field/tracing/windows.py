"""Convolutions and poolings: a window slides over the map."""

from functools import lru_cache
from typing import Any, NamedTuple

from torch import Tensor, nn

from resviz.errors import ProbeError, Sentence
from resviz.probes.receptive_field.axis import window
from resviz.probes.receptive_field.tracing.rules import rule
from resviz.probes.receptive_field.tracing.tensor import (
    MAP,
    Dims,
    Fields,
    FieldTensor,
    lose,
)

MAPS: tuple[Dims, ...] = (MAP, (None, None))  # what a window can slide over


def pair(value: Any) -> tuple[int, int]:
    """A setting along height and along width."""
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[-1]))


class _Window(NamedTuple):
    """A convolution or pooling along one axis; `both` is the padding on both sides together."""

    kernel: int
    stride: int
    dilation: int
    before: int
    both: int

    def fitting(self, units: int, ceil: bool) -> int:
        """Windows that fit; with `ceil`, one more if it starts in the map or the padding before."""
        free = units + self.both - (self.kernel - 1) * self.dilation - 1
        if not ceil:
            return free // self.stride + 1
        count = -(-free // self.stride) + 1
        beyond = (count - 1) * self.stride >= units + self.before
        return count - 1 if beyond else count


_Windows = tuple[_Window, _Window]


@lru_cache
def _windows(kernel: Any, stride: Any, padding: Any, dilation: Any) -> _Windows:
    """Along height and width, the same object where they are equal."""
    kernels, dilations = pair(kernel), pair(dilation)
    strides = pair(stride) if stride else kernels  # a pooling's default
    reach = [(k - 1) * d for k, d in zip(kernels, dilations, strict=True)]
    if padding == "same":  # the odd one goes behind
        before, both = [r // 2 for r in reach], reach
    else:
        before = [0, 0] if padding == "valid" else list(pair(padding))
        both = [2 * p for p in before]
    down, across = (
        _Window(*settings)
        for settings in zip(kernels, strides, dilations, before, both, strict=True)
    )
    return (down, down) if down == across else (down, across)


def slide(
    x: FieldTensor, windows: _Windows, operation: str, channels: int, ceil: bool = False
) -> FieldTensor:
    """After a convolution or pooling.

    Raises `ProbeError` where the map is smaller than the kernel.
    """
    *batch, _, n, m = x.shape
    down, across = windows
    height = width = down.fitting(n, ceil)
    if n != m or down is not across:
        width = across.fitting(m, ceil)
    if min(n, m, height, width) < 1:
        _refuse_small_map((n, m), windows, operation)
    shape = (*batch, channels, height, width)
    if x.fields is None or x.fields.dims not in MAPS:
        return lose(x, shape, operation)
    rows, columns = x.fields.rows, x.fields.columns
    after = beside = window(rows, down.kernel, down.stride, down.before, down.dilation, height)
    if rows is not columns or down is not across or height != width:
        beside = window(
            columns, across.kernel, across.stride, across.before, across.dilation, width
        )
    return x.like(shape, Fields(after, beside, (height, width)))


def _refuse_small_map(units: tuple[int, int], windows: _Windows, operation: str) -> None:
    """Raise the `ProbeError` of a map that a kernel does not fit into."""
    kernel = " x ".join(str(window.kernel) for window in windows)
    raise ProbeError(
        "a map of {n} x {m} cells is too small for {needs}; use a larger image",
        n=units[0],
        m=units[1],
        needs=Sentence("the {kernel} {name}", kernel=kernel, name=operation),
    )


def _setting(value: Any) -> Any:
    """A setting that can be looked up: networks give lists too."""
    return tuple(value) if isinstance(value, list) else value


@rule("conv2d")
def convolution(
    x: FieldTensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> FieldTensor:
    """Every unit sees the units under its kernel."""
    channels, _, *kernel = weight.shape
    settings = (tuple(kernel), _setting(stride), _setting(padding), _setting(dilation))
    return slide(x, _windows(*settings), "convolution", channels)


def convolution_of(module: nn.Conv2d, x: FieldTensor) -> FieldTensor:
    """What a module does that pads with zeros, by its settings."""
    windows = _windows(module.kernel_size, module.stride, module.padding, module.dilation)
    return slide(x, windows, "convolution", module.out_channels)


@rule("max_pool2d")
def max_pool(
    x: FieldTensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> FieldTensor:
    """As a convolution; the default stride is the kernel's size."""
    settings = (_setting(kernel_size), _setting(stride), _setting(padding), _setting(dilation))
    return slide(x, _windows(*settings), "pooling", x.shape[-3], ceil_mode)


@rule("avg_pool2d")
def avg_pool(
    x: FieldTensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    *_: Any,
    **__: Any,
) -> FieldTensor:
    """As a convolution; the default stride is the kernel's size."""
    return max_pool(x, kernel_size, stride, padding, 1, ceil_mode)


@rule("lp_pool2d")
def lp_pool(
    x: FieldTensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> FieldTensor:
    """As an average pooling without padding."""
    return max_pool(x, kernel_size, stride, 0, 1, ceil_mode)


@rule("pixel_unshuffle")
def pixel_unshuffle(x: FieldTensor, downscale_factor: int) -> FieldTensor:
    """Each square of cells becomes channels of one cell."""
    channels = x.shape[-3] * downscale_factor**2
    windows = _windows(downscale_factor, downscale_factor, 0, 1)
    return slide(x, windows, "pixel_unshuffle", channels)
