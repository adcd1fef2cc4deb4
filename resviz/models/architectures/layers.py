"""What blocks are put together from, besides convolutions: places to look at, sums, weights, gates.

Modules with parameters draw or set them in `reset_parameters`, so that a network built without
memory can be filled.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Tap(nn.Identity):
    """A named place in the network; passes its input on."""


class Add(nn.Module):
    """The sum of branch and shortcut, as a module so that both operands can be seen."""

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        return branch + shortcut


class PadShortcut(nn.Module):
    """Option A of He et al. 2015 section 4.1: every `stride`-th pixel, new channels are zeros.

    It has no parameters. The zeros are split evenly before and after, as in the published CIFAR
    weights.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        extra = out_channels - in_channels
        self.pad = (extra // 2, extra - extra // 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, *self.pad))


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's "same": ceil(size / stride) outputs.

    How much is padded follows from the size of the input, the odd pixel comes after:
    max((outputs - 1) stride + kernel - size, 0).
    """

    def forward(self, x: Tensor) -> Tensor:
        height, width = (
            max((-(-size // stride) - 1) * stride + kernel - size, 0)
            for size, stride, kernel in zip(
                x.shape[-2:], self.stride, self.kernel_size, strict=True
            )
        )
        if height or width:
            before = (width // 2, height // 2)
            x = F.pad(x, (before[0], width - before[0], before[1], height - before[1]))
        return super().forward(x)


class Constant(nn.Module):
    """c x, with a number c that is not learned."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor

    def extra_repr(self) -> str:
        return str(self.factor)


class Weight(nn.Module):
    """w x, with one learned number w that starts at `start`."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.start = start
        self.weight = nn.Parameter(torch.empty(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.weight, self.start)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


class Shift(nn.Module):
    """x + b, with one learned number b that starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias


class ScaleShift(nn.Module):
    """w x + b, with two learned numbers that start at one and zero."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(1)), nn.Parameter(torch.empty(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight + self.bias


class Gate(nn.Module):
    """(1 - g(x)) x with g = sigmoid of a 1x1 convolution, whose bias starts at -6: nearly open."""

    START = -6.0  # the best of those that He et al. 2016, Table 1, tried for the gate of a shortcut

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(channels, channels, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The bias; the weights are drawn like those of other convolutions."""
        if self.gate.bias is not None:
            nn.init.constant_(self.gate.bias, self.START)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(-self.gate(x))  # 1 - sigmoid(a) = sigmoid(-a)


LEARNED = (Weight, Shift, ScaleShift, Gate)  # what initialising a network has to reset
