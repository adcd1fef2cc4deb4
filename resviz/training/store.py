"""What a training run leaves behind: one folder with `config.json`, `log.jsonl` and `model.safetensors`.

The weights are written to a temporary file and renamed, so a reader never sees half of them.
"""

import json
import math
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from resviz.data.datasets import Dataset
from resviz.device import best
from resviz.errors import TrainingError
from resviz.models import checkpoints
from resviz.models.spec import ModelSpec
from resviz.paths import home
from resviz.training.config import TrainConfig
from resviz.training.loop import EpochEnd, Evaluation, Step


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder and everything needed to repeat it."""

    folder: Path
    spec: ModelSpec
    config: TrainConfig
    data: Dataset

    @property
    def name(self) -> str:
        """The run's id: `run/ID` loads its weights."""
        return self.folder.name

    @property
    def weights(self) -> Path:
        return self.folder / "model.safetensors"

    def start(self) -> None:
        """Make the folder, with an empty log, and write down what is about to happen.

        This and what writes later raise `TrainingError` where the folder cannot be written.
        """
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "config.json").write_text(json.dumps(self.recipe(), indent=2) + "\n")
            (self.folder / "log.jsonl").write_text("")

    def recipe(self) -> dict[str, object]:
        """Spec, configuration, data, versions and device: all that the numbers depend on, as plain values."""
        device = best()
        return {
            "model": f"new/{self.spec}",
            "config": self.config.as_dict(),
            "dataset": {"name": self.data.name, "sha256": self.data.fingerprint, "skipped": len(self.data.skipped)},
            "images": {"train": len(self.data.train), "test": len(self.data.test)},
            "versions": {"torch": torch.__version__, "python": platform.python_version()},
            "device": device.name,
            "threads": torch.get_num_threads(),
            "precision": str(device.autocast if self.config.precision == "auto" and device.autocast else torch.float32),
            "date": time.strftime("%Y-%m-%d"),
        }

    def log(self, event: Step | EpochEnd) -> None:
        """Append one event."""
        with self._writing(), (self.folder / "log.jsonl").open("a") as file:
            file.write(as_json({type(event).__name__: asdict(event)}) + "\n")

    def save(self, model: nn.Module, test: Evaluation, seconds: float) -> None:
        """Write the weights in half precision with their card."""
        mean, std = self.data.channel_statistics()
        shares = (round(share, 4) if math.isfinite(share) else None for share in test.by_class)
        by_class = dict(zip(self.data.labels, shares, strict=True))
        card = {**self.recipe(), "accuracy": round(test.accuracy, 4), "by_class": by_class, "seconds": round(seconds)}
        meta = {
            "spec": self.spec.as_dict(),
            "labels": self.data.labels,
            "preprocess": {"resize": self.config.side, "crop": self.config.side, "mean": mean, "std": std},
            "card": card,
        }
        with self._writing():
            checkpoints.save(self.weights, model, meta)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, SafetensorError) as reason:
            told = getattr(reason, "strerror", None) or reason
            raise TrainingError(f"{self.folder} cannot be written ({told}); choose another --out.") from None


def statistics(data: Dataset) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the training pixels as tensors (3,)."""
    mean, std = data.channel_statistics()
    return torch.tensor(mean), torch.tensor(std)


def new_folder(spec: ModelSpec) -> Path:
    """A fresh folder for a run among the others: family, depth and time of its start."""
    name = f"{spec.family}-{spec.depth}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    folder, number = home() / "runs" / name, 1
    while folder.exists():  # two runs of one process within a second
        number += 1
        folder = folder.with_name(f"{name}-{number}")
    return folder


def as_json(value: object) -> str:
    """One line of JSON, which knows no NaN and no infinity: they become null."""
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
