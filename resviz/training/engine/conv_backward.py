"""`SmallMaps`: weight gradients of convolutions over small maps as one matrix product, dW = dY^T cols(X).

oneDNN's kernels for that gradient are made for wide maps: over the 3x3 and 5x5 maps at a network's
end they take ten times as long as a product of the same size. In half precision on a CPU that is
half of a ResNet-18's step at 80 px; with this mode it takes 0.65 to 0.75 of its time
(`benchmarks/smallmaps.py`). The same sums, in another order.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

CELLS = 64  # output cells up to which the product wins
CHANNELS = 128  # input channels from which it does; over the 64 channels of a CIFAR net it costs 5 % of a step

Pair = tuple[int, int]


class SmallMaps(TorchFunctionMode):
    """Inside this context a convolution of many channels over few cells, without groups or bias, uses the product."""

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
        if func is torch.conv2d and not kwargs and _small(*args):
            images, weight, _, stride, padding = args[:5]
            return _Convolution.apply(images.to(self._half), weight.to(self._half), stride, padding)
        return func(*args, **(kwargs or {}))


def wide(module: nn.Module) -> bool:
    """Whether a module is a convolution that may use the product; without any the mode only costs, 2 % of a step."""
    return isinstance(module, nn.Conv2d) and module.in_channels >= CHANNELS and module.bias is None


def _small(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Pair,
    padding: Any,
    dilation: Pair,
    groups: int,
) -> bool:
    plain = (
        bias is None and groups == 1 and tuple(dilation) == (1, 1) and isinstance(padding, tuple)
    )
    return (
        plain
        and weight.shape[1] >= CHANNELS
        and images.shape[2] * images.shape[3] <= CELLS * stride[0] * stride[1]
    )


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
            options = (
                None,
                ctx.stride,
                ctx.padding,
                (1, 1),
                False,
                (0, 0),
                1,
                (True, False, False),
            )
            to_images = torch.ops.aten.convolution_backward(gradient, images, weight, *options)[0]
        return (
            to_images,
            _weight_gradient(images, gradient, weight.shape, ctx.stride, ctx.padding),
            None,
            None,
        )


def _weight_gradient(
    images: Tensor, gradient: Tensor, shape: torch.Size, stride: Pair, padding: Pair
) -> Tensor:
    """dL/dW of shape (out, in, kh, kw) from the input (N, in, H, W) and dL/dY (N, out, h, w)."""
    out, _, kh, kw = shape
    (top, left), (n, _, h, w) = padding, gradient.shape
    padded = F.pad(
        images.permute(0, 2, 3, 1), (0, 0, left, left, top, top)
    ).contiguous()  # (N, H + 2p, W + 2p, in)
    image, row, column, channel = padded.stride()
    steps = (image, row * stride[0], column * stride[1], row, column, channel)
    patches = padded.as_strided((n, h, w, kh, kw, padded.shape[3]), steps).reshape(n * h * w, -1)
    product = gradient.permute(0, 2, 3, 1).reshape(-1, out).t() @ patches  # (out, kh * kw * in)
    return product.view(out, kh, kw, -1).permute(0, 3, 1, 2)
