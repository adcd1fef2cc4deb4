"""Residual blocks built for looking.

Each block has one activation module per use, none of them in place, and names the three places
people ask about: `branch` (its output is F(x)), `shortcut` (x, projected where shapes change) and
`add` (the sum). They hold no parameters, so the names of the parameters are torchvision's and its
weights load strictly.

A family says how branch and shortcut meet: a subclass of `Block`, and one line in `spec.FAMILIES`.
Where one of them is weighted, `branch` or `shortcut` does it, so that the two still add up to the
sum.
"""

from typing import ClassVar

from torch import Tensor, nn

from resviz.models.architectures.layers import (
    Add,
    Constant,
    Gate,
    ScaleShift,
    Shift,
    Tap,
    Weight,
)
from resviz.models.architectures.parts import (
    branch_convolutions,
    make_activation,
    make_norm,
    projection,
)
from resviz.models.spec import FAMILIES, ModelSpec


class Block(nn.Module):
    """conv - norm - activation, repeated; the last activation follows the sum with the shortcut."""

    activated: ClassVar[bool] = True  # whether a block's output has gone through an activation
    starts_silent: ClassVar[bool] = False  # whether the classifier's weights start at zero

    def __init__(self, spec: ModelSpec, in_channels: int, planes: int, stride: int) -> None:
        super().__init__()
        self.out_channels = planes * spec.expansion
        self.layers = spec.layers_per_block
        for i, conv in enumerate(branch_convolutions(spec, in_channels, planes, stride), start=1):
            self.add_module(f"conv{i}", conv)
            self.add_module(f"bn{i}", make_norm(spec, conv.out_channels))
            self.add_module(f"relu{i}", make_activation(spec))

    @classmethod
    def closing(cls, spec: ModelSpec, channels: int) -> nn.Module | None:
        """What the network needs between its last block and the pooling."""
        return None

    def reset(self, blocks: int) -> None:
        """What the family changes in freshly drawn weights of a network of so many blocks."""

    def at(self, kind: str, i: int) -> nn.Module:
        """The i-th conv, bn or relu, from 1 on."""
        # as an attribute it would take longer than some of them run
        return self._modules[f"{kind}{i}"]  # type: ignore[return-value]

    @property
    def last_norm(self) -> nn.Module:
        """The normalisation that closes the branch (its gamma is what `zero-gamma` zeroes)."""
        return self.at("bn", self.layers)

    def body(self, x: Tensor) -> Tensor:
        """F(x): all layers of the branch but the last activation."""
        for i in range(1, self.layers + 1):
            x = self.at("bn", i)(self.at("conv", i)(x))
            if i < self.layers:
                x = self.at("relu", i)(x)
        return x

    def last_activation(self, x: Tensor) -> Tensor:
        return self.at("relu", self.layers)(x)  # type: ignore[no-any-return]


class Plain(Block):
    """No shortcut: the plain network of He et al. 2015 section 3.3."""

    def forward(self, x: Tensor) -> Tensor:
        return self.last_activation(self.body(x))


class Residual(Block):
    """y = activation(F(x) + x), He et al. 2015 eqn. 1; where shapes change x is projected (eqn. 2).

    `ways` names the two modules that receive x: the first of the branch and the first of the
    shortcut.
    """

    def __init__(self, spec: ModelSpec, in_channels: int, planes: int, stride: int) -> None:
        super().__init__(spec, in_channels, planes, stride)
        self.downsample = projection(spec, in_channels, self.out_channels, stride)
        self.branch: nn.Module = Tap()
        self.shortcut: nn.Module = Tap()
        self.add = Add()

    @property
    def ways(self) -> tuple[str, str]:
        return "conv1", "shortcut" if self.downsample is None else "downsample"

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        return self.last_activation(self.add(self.branch(self.body(x)), self.shortcut(identity)))

    def skip(self, x: Tensor) -> Tensor:
        """What is left of the block without its branch."""
        identity = x if self.downsample is None else self.downsample(x)
        return self.last_activation(self.shortcut(identity))


class Preactivation(Residual):
    """y = x + F(x), norm and activation before each convolution: He et al. 2016, Fig. 4e.

    Nothing follows the sum. The stem is a bare convolution; norm and activation follow the last
    block.
    """

    activated = False

    def __init__(self, spec: ModelSpec, in_channels: int, planes: int, stride: int) -> None:
        super().__init__(spec, in_channels, planes, stride)
        for i in range(1, self.layers + 1):
            channels = self.at("conv", i).in_channels
            self.add_module(f"bn{i}", make_norm(spec, channels))  # type: ignore[arg-type]

    @classmethod
    def closing(cls, spec: ModelSpec, channels: int) -> nn.Module:
        return nn.Sequential(make_norm(spec, channels), make_activation(spec))

    @property
    def ways(self) -> tuple[str, str]:
        return "bn1", super().ways[1]

    def body(self, x: Tensor) -> Tensor:
        for i in range(1, self.layers + 1):
            x = self.at("relu", i)(self.at("bn", i)(x))
            x = self.at("conv", i)(x)
        return x

    def last_activation(self, x: Tensor) -> Tensor:
        return x


class Scaled(Residual):
    """y = activation(0.5 F(x) + 0.5 x): constant scaling, He et al. 2016 section 3.1.

    It trains badly.
    """

    def __init__(self, spec: ModelSpec, in_channels: int, planes: int, stride: int) -> None:
        super().__init__(spec, in_channels, planes, stride)
        self.branch, self.shortcut = Constant(0.5), Constant(0.5)


class Gated(Residual):
    """y = activation(F(x) + (1 - g(x)) x): shortcut-only gating, He et al. 2016 section 3.1."""

    def __init__(self, spec: ModelSpec, in_channels: int, planes: int, stride: int) -> None:
        super().__init__(spec, in_channels, planes, stride)
        self.shortcut = Gate(self.out_channels)


class ReZero(Residual):
    """y = activation(x + w F(x)), Bachlechner et al. 2020, eqn. 1.

    Each block learns one w, which starts at zero.
    """

    def __init__(self, spec: ModelSpec, in_channels: int, planes: int, stride: int) -> None:
        super().__init__(spec, in_channels, planes, stride)
        self.branch = Weight(0.0)


class Weighted(Residual):
    """y = alpha x + beta activation(F(x)), after Shen and Zeng 2016.

    What is added may be negative again. Their weight is beta, learned, and starts at zero; alpha is
    learned here as well and starts at one.
    """

    def __init__(self, spec: ModelSpec, in_channels: int, planes: int, stride: int) -> None:
        super().__init__(spec, in_channels, planes, stride)
        self.branch, self.shortcut = Weight(0.0), Weight(1.0)

    def body(self, x: Tensor) -> Tensor:
        return super().last_activation(super().body(x))

    def last_activation(self, x: Tensor) -> Tensor:
        return x


class Fixup(Residual):
    """A residual block without normalisation that trains: Zhang et al. 2019, 1901.09321, section 3.

    One learned bias before each convolution and activation, one learned scale on the branch; the
    branch's last convolution and the classifier start at zero, the others are shrunk by blocks^(-1
    / (2 m - 2)) with m convolutions on the branch.
    """

    starts_silent = True

    def __init__(self, spec: ModelSpec, in_channels: int, planes: int, stride: int) -> None:
        super().__init__(spec, in_channels, planes, stride)
        for i in range(1, self.layers + 1):
            self.add_module(f"bias{i}", Shift())
        self.add_module(f"bn{self.layers}", nn.Identity())  # `branch` shifts instead
        self.branch = ScaleShift()

    @classmethod
    def closing(cls, spec: ModelSpec, channels: int) -> nn.Module:
        return Shift()

    @property
    def ways(self) -> tuple[str, str]:
        return "bias1", super().ways[1]

    def body(self, x: Tensor) -> Tensor:
        for i in range(1, self.layers + 1):
            x = self.at("conv", i)(self.get_submodule(f"bias{i}")(x))
            if i < self.layers:
                x = self.at("relu", i)(self.at("bn", i)(x))
        return x

    def reset(self, blocks: int) -> None:
        factors = [blocks ** (-1 / (2 * self.layers - 2))] * (self.layers - 1) + [0.0]
        for i, factor in enumerate(factors, start=1):
            self.get_parameter(f"conv{i}.weight").data.mul_(factor)


def block_class(spec: ModelSpec) -> type[Block]:
    """The class of the spec's family."""
    return globals()[FAMILIES[spec.family]]  # type: ignore[no-any-return]


def make_block(spec: ModelSpec, in_channels: int, planes: int, stride: int) -> Block:
    """A block of the spec's family; `planes`: channels of its 3x3 convolution before widening."""
    return block_class(spec)(spec, in_channels, planes, stride)
