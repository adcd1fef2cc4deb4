"""Receptive fields, in units of a plain pass at 224 pixels.

1 = one forward pass for theoretical fields, one forward and backward pass for effective ones.
"""

from functools import partial

import torch
from torch import Tensor, fx, nn

from benchmarks.measure import Result, compare, ratios
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.receptive_field.effective import effective_receptive_field, noise
from resviz.probes.receptive_field.theoretical import receptive_field

INPUTS = 8
STAGES = {"layer1": 0.06, "layer2": 0.30, "layer4": 1.08}  # with the goal of each


def run() -> list[Result]:
    """The rows of the table."""
    return [*_theoretical(), *_effective()]


def _theoretical() -> list[Result]:
    """All layers of a deep network, against a library that only traces it."""
    model = build(ModelSpec(depth=152, stem="imagenet", classes=1000)).eval()
    x = noise(1, 224)
    trace = "torch.fx trace alone"
    candidates = {
        "resviz": lambda: receptive_field(model),
        trace: lambda: fx.symbolic_trace(model),
    }
    measured = ratios(partial(_forward, model, x), candidates)
    peers = {"torch.fx": trace}
    return [compare("theoretical, all layers of ResNet-152", 0.02, measured, peers=peers)]


def _effective() -> list[Result]:
    """The middle unit of a stage of ResNet-50 over eight inputs.

    The peer computes the whole, as others do.
    """
    model = build(ModelSpec(depth=50, stem="imagenet", classes=1000)).eval()
    x = noise(INPUTS, 224)
    fields = {name: partial(effective_receptive_field, model, x, name) for name in STAGES}
    measured = ratios(partial(_forward_and_backward, model, x), fields, rounds=7)
    return [
        compare(f"effective, {name} of ResNet-50, {INPUTS} inputs", goal, measured, name)
        for name, goal in STAGES.items()
    ]


def _forward(model: nn.Module, x: Tensor) -> object:
    """A plain forward pass."""
    with torch.no_grad():
        return model(x)


def _forward_and_backward(model: nn.Module, x: Tensor) -> object:
    """A field that is neither cropped nor stopped at its layer: to the pixels, not the weights."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    pixels = x.clone().requires_grad_()
    return torch.autograd.grad(model(pixels).sum(), pixels)
