"""Receptive fields; 1 = one plain forward pass at 224 pixels, and for effective fields one forward and backward."""

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
    return [*_theoretical(), *_effective()]


def _theoretical() -> list[Result]:
    model = build(ModelSpec(depth=152, stem="imagenet", classes=1000)).eval()
    x = noise(1, 224)
    found = ratios(
        partial(_forward, model, x),
        {
            "resviz": lambda: receptive_field(model),
            "torch.fx trace alone": lambda: fx.symbolic_trace(model),
        },
    )
    return [
        compare(
            "theoretical, all layers of ResNet-152",
            0.02,
            found,
            peers={"torch.fx": "torch.fx trace alone"},
        ),
    ]


def _effective() -> list[Result]:
    """Of the middle unit of a stage of ResNet-50, over eight inputs; the peer computes the whole, as others do."""
    model = build(ModelSpec(depth=50, stem="imagenet", classes=1000)).eval()
    x = noise(INPUTS, 224)
    fields = {name: partial(effective_receptive_field, model, x, name) for name in STAGES}
    found = ratios(partial(_forward_and_backward, model, x), fields, rounds=7)
    return [
        compare(f"effective, {name} of ResNet-50, 8 inputs", goal, found, name)
        for name, goal in STAGES.items()
    ]


def _forward(model: nn.Module, x: Tensor) -> object:
    with torch.no_grad():
        return model(x)


def _forward_and_backward(model: nn.Module, x: Tensor) -> object:
    """What a field costs that is neither cropped nor stopped at its layer: to the pixels, not to the weights."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    pixels = x.clone().requires_grad_()
    return torch.autograd.grad(model(pixels).sum(), pixels)
