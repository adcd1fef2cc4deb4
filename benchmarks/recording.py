"""What recording costs: a training step with each preset against one that records nothing."""

from collections.abc import Callable

import torch

from benchmarks.measure import Result, compare, ratios
from resviz.data.datasets import Dataset, Split
from resviz.device import Device
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.training.config import TrainConfig
from resviz.training.engine.recorder import Recorder
from resviz.training.engine.trainer import Training
from resviz.training.events import Step

CPU = Device("cpu", "CPU", 1, None)
CONFIG = TrainConfig(epochs=10_000, batch_size=32, augmentation="none", precision="float32")
GOALS = {"light": 1.005, "full": 1.08}


def run() -> list[Result]:
    """1.0 = a step of ResNet-20 on 32 images of 32x32 pixels in float32, recording nothing."""
    steps = {preset: _steps(preset) for preset in GOALS}
    # a step is short: in many rounds what else the machine does comes to both alike
    found = ratios(_steps("off"), steps, rounds=150)
    return [compare(f"recording {preset}", goal, found, preset) for preset, goal in GOALS.items()]


def _steps(preset: str) -> Callable[[], object]:
    images = torch.randint(
        0, 256, (64, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    split = Split(images, torch.arange(64) % 10)
    data = Dataset(
        "noise", tuple("0123456789"), split, Split(images[:10], torch.arange(10)), (), ""
    )
    model = build(ModelSpec())
    half = torch.full((3,), 0.5)
    training = Training(model, data, CONFIG, CPU, (half, half), Recorder(model, preset))
    events = (event for event in training.events() if isinstance(event, Step))
    return lambda: next(events)
