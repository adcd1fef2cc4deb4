"""A training step of ResNet-18 at 80 px in half precision on a CPU with `SmallMaps`, if a run would
use it here.

1 = the same step without it. Where a run would leave it off nothing is measured: it costs nothing.
"""

import torch
import torch.nn.functional as F

from benchmarks.measure import Result, compare, ratios
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.engine.conv_backward import SmallMaps, product_pays

BATCH, SIDE = 64, 80
WHAT, GOAL = "training step with one product for small maps", 0.95


def run() -> list[Result]:
    """Where it is used it must help; how much depends on the processor (0.65 to 0.91 were seen)."""
    if not product_pays(torch.bfloat16):
        return [Result(f"{WHAT}: left off on this processor", 1.0, 1.0)]
    model = build(ModelSpec(depth=18, stem="imagenet", classes=10)).train()
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(BATCH, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    targets = torch.randint(0, 10, (BATCH,))

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(images).float(), targets)
        torch.autograd.grad(loss, list(model.parameters()))

    def with_small_maps() -> None:
        with SmallMaps(torch.bfloat16):
            step()

    found = ratios(step, {"ours": with_small_maps}, rounds=9)
    return [compare(WHAT, GOAL, found, "ours", {})]
