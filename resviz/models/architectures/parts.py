"""What the spec of a network decides about its layers: convolutions, norms, activations."""

import math

from torch import nn

from resviz.models.architectures.layers import PadShortcut, Shift
from resviz.models.choices import ACTIVATIONS, WITHOUT_NORM
from resviz.models.spec import ModelSpec


def make_activation(spec: ModelSpec) -> nn.Module:
    """The spec's activation, a module of its own for each use and never in place."""
    return getattr(nn, ACTIVATIONS[spec.activation])()  # type: ignore[no-any-return]


def make_norm(spec: ModelSpec, channels: int) -> nn.Module:
    """BatchNorm, GroupNorm or nothing; in Fixup a shift.

    A group has about 16 channels (Wu and He 2018, Table 3).
    """
    if spec.family in WITHOUT_NORM:
        return Shift()
    if spec.norm == "batch":
        return nn.BatchNorm2d(channels)
    if spec.norm == "group":
        return nn.GroupNorm(math.gcd(channels, max(1, channels // 16)), channels)
    return nn.Identity()


def make_conv(
    spec: ModelSpec,
    in_channels: int,
    out_channels: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
) -> nn.Conv2d:
    """A convolution that keeps the size at stride 1, with biases where nothing else brings some."""
    bias = spec.norm == "none" and spec.family not in WITHOUT_NORM
    return nn.Conv2d(
        in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=bias
    )


def branch_convolutions(
    spec: ModelSpec, in_channels: int, planes: int, stride: int
) -> list[nn.Conv2d]:
    if spec.block == "basic":
        return [make_conv(spec, in_channels, planes, 3, stride), make_conv(spec, planes, planes, 3)]
    inner = int(planes * (spec.width_per_group / 64.0)) * spec.groups
    # He et al. stride in the first convolution, torchvision and most others in the second
    first, second = (stride, 1) if spec.stride_in_1x1 else (1, stride)
    return [
        make_conv(spec, in_channels, inner, 1, first),
        make_conv(spec, inner, inner, 3, second, spec.groups),
        make_conv(spec, inner, planes * spec.expansion, 1),
    ]


def projection(
    spec: ModelSpec, in_channels: int, out_channels: int, stride: int
) -> nn.Module | None:
    """The shortcut's layers by option: A pads, B projects where the shape changes, C everywhere."""
    changes = stride != 1 or in_channels != out_channels
    if spec.shortcut == "A":
        return PadShortcut(in_channels, out_channels, stride) if changes else None
    if spec.shortcut == "B" and not changes:
        return None
    return nn.Sequential(
        make_conv(spec, in_channels, out_channels, 1, stride), make_norm(spec, out_channels)
    )
