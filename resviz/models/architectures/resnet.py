"""ResNet and its plain twin, for ImageNet and for CIFAR (He et al. 2015, sections 3.3 and 4.2).

Parameter names and evaluation outputs are torchvision's; building draws from the spec's seed alone,
so the same spec is the same network on every machine, whatever else the process draws.
"""

import math
from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from resviz.models.architectures.blocks import Block, block_class, make_block
from resviz.models.architectures.layers import LEARNED
from resviz.models.architectures.parts import make_activation, make_conv, make_norm
from resviz.models.spec import ModelSpec


class ResNet(nn.Module):
    """Stem, `layer1` to `layer3` or `layer4`, global average pooling, and a classifier `fc`."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec
        halves = spec.stem == "imagenet"
        activated = block_class(spec).activated
        kernel, stride = (7, 2) if halves else (3, 1)
        self.conv1 = make_conv(spec, spec.channels, spec.width, kernel, stride)
        self.bn1 = make_norm(spec, spec.width) if activated else nn.Identity()
        self.relu = make_activation(spec) if activated else nn.Identity()
        self.maxpool = nn.MaxPool2d(3, 2, 1) if halves else nn.Identity()
        for i, stage in enumerate(_stages(spec), start=1):
            self.add_module(f"layer{i}", stage)
        self.closing = block_class(spec).closing(spec, spec.features)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = _head(spec)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for i in range(len(self.spec.stages)):
            x = self.get_submodule(f"layer{i + 1}")(x)
        if self.closing is not None:
            x = self.closing(x)
        x = torch.flatten(self.avgpool(x), 1)  # (N, channels)
        return self.fc(x)  # type: ignore[no-any-return]


def build(spec: ModelSpec) -> ResNet:
    """The network of `spec` with fresh weights, in eval mode, drawn from `spec.seed` only."""
    model = skeleton(spec).to_empty(device="cpu")
    initialise(model, spec)
    return model.eval()


def skeleton(spec: ModelSpec) -> ResNet:
    """The network without memory for weights, for `load_state_dict(..., assign=True)` to fill."""
    with torch.device("meta"):
        return ResNet(spec).eval()


def initialise(model: ResNet, spec: ModelSpec) -> None:
    """Fill every parameter and buffer.

    `he`: normal with fan-out (He et al. 2015b, as torchvision does); `he-in`: with fan-in;
    `zero-gamma`: as `he`, and the last gamma of each branch zero (Goyal et al. 2017, section 5.1);
    `torch`: PyTorch's own default, uniform with fan-in.
    """
    generator = torch.Generator().manual_seed(spec.seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            _fill_weight(module, spec.init, generator)
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
            _fill_norm(module)
    _start_families(model, spec)


def _start_families(model: ResNet, spec: ModelSpec) -> None:
    """What initialisation and family set apart, after all weights are drawn."""
    for part in model.modules():
        if isinstance(part, LEARNED):
            part.reset_parameters()
    blocks = [module for module in model.modules() if isinstance(module, Block)]
    for block in blocks:
        block.reset(len(blocks))
        if spec.init == "zero-gamma" and isinstance(block.last_norm, nn.BatchNorm2d | nn.GroupNorm):
            nn.init.zeros_(block.last_norm.weight)
    classifier = [part for part in model.fc.modules() if isinstance(part, nn.Linear)]
    if block_class(spec).starts_silent and classifier:
        nn.init.zeros_(classifier[-1].weight)
        nn.init.zeros_(classifier[-1].bias)


def _stages(spec: ModelSpec) -> Iterator[nn.Sequential]:
    """All stages; the last ones are dilated in place of strided where the spec has it so."""
    channels, dilation = spec.width, 1
    undilated = len(spec.stages) - spec.dilation.bit_length() + 1
    for i, blocks in enumerate(spec.stages):
        dilated = i >= undilated
        stride = 1 if i == 0 or dilated else 2
        stage = _stage(spec, channels, spec.width * 2**i, blocks, stride)
        # as torchvision has it: the first block still has the dilation of the stage before
        _dilate(stage[:1], dilation)
        dilation = 2 * dilation if dilated else dilation
        _dilate(stage[1:], dilation)
        channels = spec.width * 2**i * spec.expansion
        yield stage


def _stage(
    spec: ModelSpec, in_channels: int, planes: int, blocks: int, stride: int
) -> nn.Sequential:
    first = make_block(spec, in_channels, planes, stride)
    others = [make_block(spec, first.out_channels, planes, 1) for _ in range(blocks - 1)]
    return nn.Sequential(first, *others)


def _dilate(blocks: nn.Sequential, dilation: int) -> None:
    """Spread the 3x3 kernels; the padding grows along, so that sizes stay."""
    for conv in blocks.modules():
        if isinstance(conv, nn.Conv2d) and conv.kernel_size == (3, 3):
            conv.dilation = conv.padding = (dilation, dilation)


def _head(spec: ModelSpec) -> nn.Module:
    """The classifier: one linear layer, or several with activations between them, or nothing."""
    layers: list[nn.Module] = []
    inputs = spec.features
    for outputs in spec.head_widths:
        layers += [nn.Linear(inputs, outputs), make_activation(spec)]
        inputs = outputs
    if len(layers) > 2:
        return nn.Sequential(*layers[:-1])
    return layers[0] if layers else nn.Identity()


def _fill_weight(module: nn.Conv2d | nn.Linear, init: str, generator: torch.Generator) -> None:
    if init != "torch" and isinstance(module, nn.Conv2d):
        fan: Literal["fan_in", "fan_out"] = "fan_in" if init == "he-in" else "fan_out"
        nn.init.kaiming_normal_(module.weight, mode=fan, nonlinearity="relu", generator=generator)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
        return
    nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
    if module.bias is not None:
        bound = 1 / math.sqrt(module.weight[0].numel())  # the fan-in
        nn.init.uniform_(module.bias, -bound, bound, generator=generator)


def _fill_norm(module: nn.BatchNorm2d | nn.GroupNorm) -> None:
    nn.init.ones_(module.weight)
    nn.init.zeros_(module.bias)
    if isinstance(module, nn.BatchNorm2d):
        module.reset_running_stats()
