"""A training step of ours, recording nothing, and the same step in a bare loop of PyTorch.

1 = the bare loop.

The same model, pictures, batch, optimiser, precision and memory layout. At 0.97 of its speed it
takes 1.03 of its time.
"""

from collections.abc import Callable, Iterator
from itertools import count

import torch
import torch.nn.functional as F

from benchmarks.measure import Result, compare, ratios
from resviz.data.datasets import Dataset, Split
from resviz.device import Device, bf16_pays
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.config import TrainConfig
from resviz.training.engine.trainer import Training
from resviz.training.events import Step

GOAL = 1.03
STEPS = 100  # more than are measured: the end of an epoch is no step
CONFIG = TrainConfig(
    epochs=10_000, batch_size=32, augmentation="none", schedule="steps", warmup=0.0, lr=0.01
)
CASES = {
    "ResNet-20, 32 px": ("residual-20", 32),
    "ResNet-18, 80 px": ("residual-18?stem=imagenet&classes=10", 80),
}


def run() -> list[Result]:
    """In float32, and in bfloat16 where that pays."""
    halves = {"float32": None} | ({"bfloat16": torch.bfloat16} if bf16_pays() else {})
    return [_result(case, name, half) for case in CASES for name, half in halves.items()]


def _result(case: str, name: str, half: torch.dtype | None) -> Result:
    found = ratios(_bare(*CASES[case], half), {"ours": _ours(*CASES[case], half)}, rounds=25)
    return compare(f"training step, {case}, {name}", GOAL, found, "ours")


def _noise(side: int) -> Split:
    size = (STEPS * CONFIG.batch_size, 3, side, side)
    images = torch.randint(
        0, 256, size, dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    return Split(images, torch.arange(len(images)) % 10)


def _ours(spec: str, side: int, half: torch.dtype | None) -> Callable[[], object]:
    split, middle = _noise(side), torch.full((3,), 0.5)
    data = Dataset(
        "noise", tuple("0123456789"), split, Split(split.images[:10], split.targets[:10]), (), ""
    )
    device = Device("cpu", "CPU", 1, half)
    training = Training(build(ModelSpec.parse(spec)), data, CONFIG, device, (middle, middle))
    events = (event for event in training.events() if isinstance(event, Step))
    return lambda: next(events)


def _bare(spec: str, side: int, half: torch.dtype | None) -> Callable[[], object]:
    """As PyTorch's tutorials write it.

    Pictures normalised once and for all, and the loss read at each step.
    """
    split = _noise(side)
    images = (split.images.float() / 255 - 0.5) / 0.5
    model = build(ModelSpec.parse(spec)).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(
        model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4
    )

    def batches() -> Iterator[torch.Tensor]:
        for _ in count():
            yield from torch.randperm(len(images)).split(CONFIG.batch_size)

    order = batches()

    def step() -> float:
        index = next(order)
        with torch.autocast("cpu", torch.bfloat16, enabled=half is not None):
            scores = model(images[index].contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(scores.float(), split.targets[index])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        return loss.item()

    return step
