"""Residual blocks built for looking.

Each block has one activation module per use, none of them in place, and names the three places people ask about:
`branch` (its output is F(x)), `shortcut` (x, projected where shapes change) and `add` (the sum). They hold no
parameters, so the names of the parameters are torchvision's and its weights load strictly.

A family says how branch and shortcut meet: a subclass of `Block` with a `forward`, and one line in `spec.FAMILIES`.
"""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from resviz.models.spec import ACTIVATIONS, FAMILIES, ModelSpec


class Tap(nn.Identity):
    """A named place in the network; passes its input on."""


class Add(nn.Module):
    """The sum of branch and shortcut, as a module so that both operands can be seen."""

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        return branch + shortcut


class PadShortcut(nn.Module):
    """Option A of He et al. 2015 section 4.1: every `stride`-th pixel, new channels are zeros, no parameters.

    The zeros are split evenly before and after, as in the published CIFAR weights.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        extra = out_channels - in_channels
        self.pad = (extra // 2, extra - extra // 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, *self.pad))


class Block(nn.Module):
    """conv - norm - activation, repeated; the last activation follows the meeting with the shortcut."""

    def __init__(self, spec: ModelSpec, in_channels: int, planes: int, stride: int) -> None:
        super().__init__()
        self.out_channels = planes * spec.expansion
        self.layers = spec.layers_per_block
        for i, conv in enumerate(_convolutions(spec, in_channels, planes, stride), start=1):
            self.add_module(f"conv{i}", conv)
            self.add_module(f"bn{i}", make_norm(spec, conv.out_channels))
            self.add_module(f"relu{i}", make_activation(spec))

    @property
    def last_norm(self) -> nn.Module:
        """The normalisation that closes the branch (its gamma is what `zero-gamma` zeroes)."""
        return self.get_submodule(f"bn{self.layers}")

    def body(self, x: Tensor) -> Tensor:
        """F(x): all layers of the branch but the last activation."""
        for i in range(1, self.layers + 1):
            x = self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(x))
            if i < self.layers:
                x = self.get_submodule(f"relu{i}")(x)
        return x

    def last_activation(self, x: Tensor) -> Tensor:
        return self.get_submodule(f"relu{self.layers}")(x)  # type: ignore[no-any-return]


class Plain(Block):
    """No shortcut: the plain network of He et al. 2015 section 3.3."""

    def forward(self, x: Tensor) -> Tensor:
        return self.last_activation(self.body(x))


class Residual(Block):
    """y = activation(F(x) + x), He et al. 2015 eqn. 1; x is projected (eqn. 2) where the shape changes.

    `ways` names the two modules that receive x: the first of the branch and the first of the shortcut.
    """

    def __init__(self, spec: ModelSpec, in_channels: int, planes: int, stride: int) -> None:
        super().__init__(spec, in_channels, planes, stride)
        self.downsample = _projection(spec, in_channels, self.out_channels, stride)
        self.branch, self.shortcut, self.add = Tap(), Tap(), Add()

    @property
    def ways(self) -> tuple[str, str]:
        return "conv1", "shortcut" if self.downsample is None else "downsample"

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        return self.last_activation(self.add(self.branch(self.body(x)), self.shortcut(identity)))


def make_block(spec: ModelSpec, in_channels: int, planes: int, stride: int) -> Block:
    """A block of the spec's family; `planes` are the channels of its 3x3 convolution before widening."""
    family: type[Block] = globals()[FAMILIES[spec.family]]
    return family(spec, in_channels, planes, stride)


def make_activation(spec: ModelSpec) -> nn.Module:
    """The spec's activation, a module of its own for each use and never in place."""
    return getattr(nn, ACTIVATIONS[spec.activation])()  # type: ignore[no-any-return]


def make_norm(spec: ModelSpec, channels: int) -> nn.Module:
    """BatchNorm; GroupNorm with about 16 channels a group (Wu and He 2018, Table 3); or nothing."""
    if spec.norm == "batch":
        return nn.BatchNorm2d(channels)
    if spec.norm == "group":
        return nn.GroupNorm(math.gcd(channels, max(1, channels // 16)), channels)
    return nn.Identity()


def make_conv(
    spec: ModelSpec, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    """A convolution that keeps the size at stride 1; it has a bias only where no normalisation follows."""
    return nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=spec.norm == "none")


def _convolutions(spec: ModelSpec, in_channels: int, planes: int, stride: int) -> list[nn.Conv2d]:
    if spec.block == "basic":
        return [make_conv(spec, in_channels, planes, 3, stride), make_conv(spec, planes, planes, 3)]
    inner = int(planes * (spec.width_per_group / 64.0)) * spec.groups
    return [
        make_conv(spec, in_channels, inner, 1),
        make_conv(spec, inner, inner, 3, stride, spec.groups),  # torchvision's placement of the stride
        make_conv(spec, inner, planes * spec.expansion, 1),
    ]


def _projection(spec: ModelSpec, in_channels: int, out_channels: int, stride: int) -> nn.Module | None:
    """The shortcut's own layers by option: A pads, B projects where the shape changes, C projects everywhere."""
    changes = stride != 1 or in_channels != out_channels
    if spec.shortcut == "A":
        return PadShortcut(in_channels, out_channels, stride) if changes else None
    if spec.shortcut == "B" and not changes:
        return None
    return nn.Sequential(make_conv(spec, in_channels, out_channels, 1, stride), make_norm(spec, out_channels))
