"""Red and green squares: the smallest set of pictures that a network can learn in a second."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from resviz.data.datasets import Dataset, Split
from resviz.device import Device
from resviz.training.config import TrainConfig

SIDE = 8
COLOURS = {"green": (30, 200, 60), "red": (200, 40, 50)}
CPU = Device("cpu", "CPU", 1, None)
MODEL = "new/residual-8?width=4&classes=2"
CONFIG = TrainConfig(
    epochs=3, batch_size=8, lr=0.1, side=SIDE, augmentation="none", precision="float32"
)


def square(label: str, seed: int) -> np.ndarray:
    """A square in the colour of its class with noise, (8, 8, 3)."""
    noise = np.random.default_rng(seed).normal(0, 30, (SIDE, SIDE, 3))
    return (np.array(COLOURS[label]) + noise).clip(0, 255).astype(np.uint8)


def split(count: int, first: int) -> Split:
    """`count` squares of each class."""
    pairs = [(c, square(label, first + i)) for c, label in enumerate(COLOURS) for i in range(count)]
    images = torch.stack([torch.from_numpy(image).permute(2, 0, 1) for _, image in pairs])
    return Split(images, torch.tensor([c for c, _ in pairs]))


def dataset(train: int = 16, test: int = 6) -> Dataset:
    return Dataset("squares", tuple(COLOURS), split(train, 0), split(test, 1000), (), "0" * 64)


def folder(root: Path, train: int = 16, test: int = 6) -> str:
    """The same as files; returns the dataset's name."""
    for name, count, first in (("train", train, 0), ("val", test, 1000)):
        for label in COLOURS:
            (root / name / label).mkdir(parents=True)
            for i in range(count):
                Image.fromarray(square(label, first + i)).save(root / name / label / f"{i:02}.png")
    return f"folder:{root}"
