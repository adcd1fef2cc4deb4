"""`SmallMaps`: weight gradients over small maps as one matrix product, dW = dY^T cols(X).

oneDNN's kernels for that gradient are made for wide maps: over the 3x3 and 5x5 maps at a network's
end they take up to ten times as long as a product of the same size. In half precision on a CPU that
is half of a ResNet-18's step at 80 px. The same sums, in another order.

Between 0.65 and 0.91 of a step's time were seen on different processors
(`benchmarks/smallmaps.py`), so a run measures at its start whether it helps.
"""

import functools
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

CELLS = 64  # output cells up to which the product wins
CHANNELS = 128  # input channels from which it wins; over a CIFAR net's 64 it costs 5 % of a step

# maps of a ResNet-18 at 80 px: channels, and pixels of a side
MEASURED = ((256, 5), (512, 3))
ROUNDS = 5
GAIN = 0.95  # of the kernel's time: below that the product is taken

Pair = tuple[int, int]


class SmallMaps(TorchFunctionMode):
    """In this context a convolution over few cells, without groups or bias, uses the product."""

    def __init__(self, half: torch.dtype) -> None:
        super().__init__()
        self._half = half

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is torch.conv2d and not kwargs and _is_small(*args):
            images, weight, _, stride, padding = args[:5]
            # autocast does not look into a Function of our own: cast here as it would
            return _Convolution.apply(images.to(self._half), weight.to(self._half), stride, padding)
        return func(*args, **(kwargs or {}))


def is_wide(module: nn.Module) -> bool:
    """Whether a module is a convolution that may use the product."""
    # without any such module the mode only costs: 2 % of a step
    return isinstance(module, nn.Conv2d) and module.in_channels >= CHANNELS and module.bias is None


def _is_small(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Pair,
    padding: Any,
    dilation: Pair,
    groups: int,
) -> bool:
    if bias is not None or groups != 1:
        return False
    if tuple(dilation) != (1, 1) or not isinstance(padding, tuple):
        return False
    cells = images.shape[2] * images.shape[3]
    return weight.shape[1] >= CHANNELS and cells <= CELLS * stride[0] * stride[1]


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(images, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        images, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        to_images = None
        if ctx.needs_input_grad[0]:
            to_images = _image_gradient(images, weight, gradient, ctx.stride, ctx.padding)
        to_weight = _weight_gradient(images, gradient, weight.shape, ctx.stride, ctx.padding)
        return to_images, to_weight, None, None


def _image_gradient(
    images: Tensor, weight: Tensor, gradient: Tensor, stride: Pair, padding: Pair
) -> Tensor:
    """Compute dL/dX alone, by torch's own kernel: that one is fast over small maps."""
    wanted = (True, False, False)  # of images, weight and bias
    geometry = (stride, padding, (1, 1), False, (0, 0), 1)
    backward = torch.ops.aten.convolution_backward
    to_images: Tensor = backward(gradient, images, weight, None, *geometry, wanted)[0]
    return to_images


def _weight_gradient(
    images: Tensor, gradient: Tensor, shape: torch.Size, stride: Pair, padding: Pair
) -> Tensor:
    """Compute dL/dW (out, in, kh, kw) from the input (N, in, H, W) and dL/dY (N, out, h, w)."""
    out, _, kh, kw = shape
    top, left = padding
    n, _, h, w = gradient.shape
    padded = F.pad(images.permute(0, 2, 3, 1), (0, 0, left, left, top, top)).contiguous()
    # padded is (N, H + 2p, W + 2p, in); its windows are views, which the reshape copies once
    image, row, column, channel = padded.stride()
    strides = (image, row * stride[0], column * stride[1], row, column, channel)
    windows = padded.as_strided((n, h, w, kh, kw, padded.shape[3]), strides)
    patches = windows.reshape(n * h * w, -1)
    rows = gradient.permute(0, 2, 3, 1).reshape(-1, out)
    product = rows.t() @ patches  # (out, kh * kw * in)
    return product.view(out, kh, kw, -1).permute(0, 3, 1, 2)


@functools.cache
def product_pays(half: torch.dtype) -> bool:
    """Measure, once a process, whether the product is faster than the kernel on this processor."""
    ours = theirs = 0.0
    for channels, side in MEASURED:
        shape = (64, channels, side, side)
        images = torch.randn(shape, dtype=half).contiguous(memory_format=torch.channels_last)
        weight = torch.randn(channels, channels, 3, 3, dtype=half)
        ours += _seconds(_weight_gradient, images, images, weight.shape, (1, 1), (1, 1))
        theirs += _seconds(_kernel, images, weight)
    return ours < GAIN * theirs


def _kernel(images: Tensor, weight: Tensor) -> None:
    """The weight gradient as torch computes it."""
    wanted = (False, True, False)  # of images, weight and bias
    geometry = ((1, 1), (1, 1), (1, 1), False, (0, 0), 1)
    torch.ops.aten.convolution_backward(images, images, weight, None, *geometry, wanted)


def _seconds(compute: Callable[..., object], *given: object) -> float:
    """The shortest of a few times: what else the machine does only makes them longer."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        compute(*given)
        times.append(time.perf_counter() - start)
    return min(times)
