"""A training step of ResNet-18 at 80 px in half precision on a CPU, with `SmallMaps`; 1 = the same step without it."""

import torch
import torch.nn.functional as F

from benchmarks.measure import Result, compare, ratios
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.engine.conv_backward import SmallMaps

BATCH, SIDE = 64, 80


def run() -> list[Result]:
    model = (
        build(ModelSpec(depth=18, stem="imagenet", classes=10))
        .to(memory_format=torch.channels_last)
        .train()
    )  # type: ignore[call-overload]
    images = torch.randn(BATCH, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    targets = torch.randint(0, 10, (BATCH,))

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(images).float(), targets)
        torch.autograd.grad(loss, list(model.parameters()))

    def with_small_maps() -> None:
        with SmallMaps(torch.bfloat16):
            step()

    return [
        compare(
            "training step with one product for small maps",
            0.80,
            ratios(step, {"ours": with_small_maps}),
            "ours",
            {},
        )
    ]
