"""How large a network is, counted from its spec without building it.

A deep network takes a second to build, also without memory for its weights; here its blocks are
counted once for each stage.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resviz.models.choices import WITHOUT_NORM

if TYPE_CHECKING:
    from resviz.models.spec import ModelSpec

FLOAT32, COUNTER = 4, 8  # bytes of a number, and of BatchNorm's count of batches


@dataclass(frozen=True, slots=True)
class _Convolution:
    inputs: int
    outputs: int
    kernel: int
    groups: int = 1

    @property
    def weights(self) -> int:
        return self.inputs // self.groups * self.outputs * self.kernel**2


@dataclass(frozen=True, slots=True)
class _Stage:
    """Channels where its first block begins and where each block ends."""

    before: int
    after: int
    planes: int
    blocks: int
    stride: int


def kernel_weights(spec: "ModelSpec") -> int:
    """Weights of the convolutions in stem and branches, without projections and gates."""
    total = _stem(spec).weights
    for stage in _stages(spec):
        first = sum(conv.weights for conv in _branch(spec, stage, stage.before))
        other = sum(conv.weights for conv in _branch(spec, stage, stage.after))
        total += first + (stage.blocks - 1) * other
    return total


def parameters(spec: "ModelSpec") -> int:
    """All learned numbers.

    Example:
        >>> from resviz.models.spec import ModelSpec
        >>> parameters(ModelSpec(depth=50, stem="imagenet", classes=1000))
        25557032
    """
    return _totals(spec)[0]


def size_in_bytes(spec: "ModelSpec") -> int:
    """Memory of parameters and buffers, numbers in float32."""
    learned, channels, norms = _totals(spec)
    statistics = 2 * channels  # a running mean and a running variance for each channel
    return FLOAT32 * (learned + statistics) + COUNTER * norms


def _totals(spec: "ModelSpec") -> tuple[int, int, int]:
    """Parameters; channels of all BatchNorm layers; how many of these layers there are."""
    count = _Count(spec)
    stem = _stem(spec)
    count.convolution(stem)
    if spec.family != "preactivation":  # whose stem is a bare convolution
        count.norm(stem.outputs)
    for stage in _stages(spec):
        count.block(stage, stage.before, stage.stride, times=1)
        count.block(stage, stage.after, 1, times=stage.blocks - 1)
    if spec.family == "preactivation":
        count.norm(spec.features)
    count.learned += spec.family == "fixup"  # a shift before the pooling
    inputs = spec.features
    for outputs in spec.head_widths:
        count.learned += inputs * outputs + outputs
        inputs = outputs
    return count.learned, count.channels, count.norms


class _Count:
    """Adds up what blocks hold, by family."""

    def __init__(self, spec: "ModelSpec") -> None:
        self.spec = spec
        self.learned = self.channels = self.norms = 0

    def convolution(self, conv: _Convolution, times: int = 1) -> None:
        has_bias = self.spec.norm == "none" and self.spec.family not in WITHOUT_NORM
        self.learned += times * (conv.weights + has_bias * conv.outputs)

    def norm(self, channels: int, times: int = 1) -> None:
        """BatchNorm and GroupNorm scale and shift each channel; Fixup shifts all by one number."""
        if self.spec.family in WITHOUT_NORM:
            self.learned += times
        elif self.spec.norm != "none":
            self.learned += 2 * times * channels
        if self.spec.norm == "batch":
            self.channels += times * channels
            self.norms += times

    def block(self, stage: _Stage, inputs: int, stride: int, times: int) -> None:
        branch = list(_branch(self.spec, stage, inputs))
        for i, conv in enumerate(branch, start=1):
            self.convolution(conv, times)
            if self.spec.family == "fixup" and i == len(branch):
                continue  # its branch is scaled and shifted instead
            before = self.spec.family == "preactivation"
            self.norm(conv.inputs if before else conv.outputs, times)
        if _is_projected(self.spec, stage, inputs, stride):
            self.convolution(_Convolution(inputs, stage.after, 1), times)
            self.norm(stage.after, times)
        self.learned += times * _extras(self.spec, stage.after, len(branch))


def _extras(spec: "ModelSpec", channels: int, layers: int) -> int:
    """What a block learns besides convolutions and norms."""
    return {
        "gated": channels**2 + channels,  # a 1x1 convolution
        "rezero": 1,
        "weighted": 2,
        "fixup": layers + 2,  # a shift before each convolution; scale and shift of the branch
    }.get(spec.family, 0)


def _is_projected(spec: "ModelSpec", stage: _Stage, inputs: int, stride: int) -> bool:
    if spec.family == "plain" or spec.shortcut == "A":
        return False
    return spec.shortcut == "C" or stride != 1 or inputs != stage.after


def _stem(spec: "ModelSpec") -> _Convolution:
    return _Convolution(spec.channels, spec.width, 7 if spec.stem == "imagenet" else 3)


def _stages(spec: "ModelSpec") -> Iterator[_Stage]:
    before = spec.width
    for i, blocks in enumerate(spec.stages):
        planes = spec.width * 2**i
        after = planes * spec.expansion
        yield _Stage(before, after, planes, blocks, stride=1 if i == 0 else 2)
        before = after


def _branch(spec: "ModelSpec", stage: _Stage, inputs: int) -> Iterator[_Convolution]:
    """The convolutions of one block, whose first receives so many channels."""
    planes = stage.planes
    if spec.block == "basic":
        yield _Convolution(inputs, planes, 3)
        yield _Convolution(planes, planes, 3)
        return
    inner = int(planes * (spec.width_per_group / 64)) * spec.groups
    yield _Convolution(inputs, inner, 1)
    yield _Convolution(inner, inner, 3, spec.groups)
    yield _Convolution(inner, stage.after, 1)
