"""What a training run leaves behind: one folder with all that is needed to look at it, to go on with it, to repeat it.

    config.json                     model, configuration, data, device, threads, versions
    run.sqlite                      what was recorded, step by step (`schema`)
    state.safetensors               where to go on: float32 weights, momentum, the place in the data
    model.safetensors               the newest weights in half precision with their card
    checkpoint-initial.safetensors, checkpoint-epoch-N.safetensors    and those before

Every file is complete or absent: written beside, flushed, renamed.
"""

import json
import math
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from resviz.data.datasets import Dataset
from resviz.device import Device, best
from resviz.errors import Sentence, TrainingError
from resviz.models.spec import ModelSpec
from resviz.models.weights import checkpoints
from resviz.training.config import TrainConfig
from resviz.training.engine import checkpoint
from resviz.training.events import Evaluation
from resviz.training.request import Request
from resviz.training.runs.naming import write_config
from resviz.training.schema import CONFIG, STATE, STOP, WEIGHTS

KEPT_EPOCHS = 40  # weights of at most so many epochs are kept, evenly


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder and everything needed to repeat it."""

    folder: Path
    request: Request
    data: Dataset

    @property
    def name(self) -> str:
        """The run's id: `run/ID` loads its weights."""
        return self.folder.name

    @property
    def spec(self) -> ModelSpec:
        return self.request.spec()

    @property
    def config(self) -> TrainConfig:
        return self.request.config

    @property
    def weights(self) -> Path:
        return self.folder / WEIGHTS

    def recipe(self, device: Device | None = None) -> dict[str, Any]:
        """Spec, configuration, data, versions and device: all that the numbers depend on, as plain values."""
        device = device or best()
        return {
            "model": f"new/{self.spec}",
            "config": self.config.as_dict(),
            "dataset": {
                "name": self.data.name,
                "sha256": self.data.fingerprint,
                "skipped": len(self.data.skipped),
            },
            "images": {"train": len(self.data.train), "test": len(self.data.test)},
            "versions": {"torch": torch.__version__, "python": platform.python_version()},
            "device": device.name,
            "threads": torch.get_num_threads(),
            "precision": str(
                device.autocast
                if self.config.precision == "auto" and device.autocast
                else torch.float32
            ),
            "date": time.strftime("%Y-%m-%d"),
        }

    def make(self) -> None:
        """Make the folder. This and what writes later raise `TrainingError` where it cannot be written."""
        with self.writing():
            self.folder.mkdir(parents=True, exist_ok=True)

    def start(self, device: Device | None = None, processes: int = 1) -> None:
        """Write down what is about to happen."""
        self.make()
        with self.writing():
            write_config(
                self.folder,
                {**self.recipe(device), "processes": processes, "request": self.request.as_dict()},
            )

    def told(self) -> dict[str, Any]:
        """What `config.json` says; empty before the start."""
        try:
            found = json.loads((self.folder / CONFIG).read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def asked_to_stop(self) -> bool:
        return (self.folder / STOP).exists()

    def forget_stop(self) -> None:
        with self.writing():
            (self.folder / STOP).unlink(missing_ok=True)

    def keep(self, state: checkpoint.State) -> None:
        """Write down where to go on."""
        with self.writing():
            checkpoint.save(self.folder / STATE, state)

    def kept(self) -> checkpoint.State | None:
        """Where to go on, None for a run that begins."""
        path = self.folder / STATE
        return checkpoint.load(path) if path.exists() else None

    def save_epoch(
        self, model: nn.Module, test: Evaluation | None, epoch: int, seconds: float
    ) -> None:
        """Write the weights after `epoch` epochs (0: before the first), for looking at them later."""
        if epoch == 0 or epoch % math.ceil(self.config.epochs / KEPT_EPOCHS) == 0:
            name = f"epoch-{epoch}" if epoch else "initial"
            self._write(self.folder / f"checkpoint-{name}.safetensors", model, test, seconds)
        if test is not None:
            self.save(model, test, seconds)

    def save(self, model: nn.Module, test: Evaluation, seconds: float) -> None:
        """Write the weights in half precision with their card."""
        self._write(self.weights, model, test, seconds)

    def _write(self, path: Path, model: nn.Module, test: Evaluation | None, seconds: float) -> None:
        mean, std = self.data.channel_statistics()
        told = {
            key: value for key, value in self.told().items() if key != "request"
        } or self.recipe()
        meta = {
            "spec": self.spec.as_dict(),
            "labels": self.data.labels,
            "preprocess": {
                "resize": self.config.side,
                "crop": self.config.side,
                "mean": mean,
                "std": std,
            },
            "card": {**told, **(self._found(test) if test else {}), "seconds": round(seconds)},
        }
        with self.writing():
            checkpoints.save(path, model, meta)

    def _found(self, test: Evaluation) -> dict[str, object]:
        shares = (round(share, 4) if math.isfinite(share) else None for share in test.by_class)
        return {
            "accuracy": round(test.accuracy, 4),
            "by_class": dict(zip(self.data.labels, shares, strict=True)),
        }

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What the system says about a file becomes a sentence."""
        try:
            yield
        except (OSError, SafetensorError) as reason:
            told = getattr(reason, "strerror", None) or reason
            if isinstance(reason, FileNotFoundError) or "No such file" in str(reason):
                raise TrainingError(
                    "{folder} was deleted while the run was going on; start it anew.",
                    folder=self.folder,
                ) from None
            full, closed = (
                Sentence("make room and resume the run"),
                Sentence("choose another --out"),
            )
            raise TrainingError(
                "{folder} cannot be written ({told}); {way_out}.",
                folder=self.folder,
                told=told,
                way_out=full if _is_full(reason) else closed,
            ) from None


def _is_full(reason: Exception) -> bool:
    return getattr(reason, "errno", None) in (28, 122) or "No space left" in str(
        reason
    )  # ENOSPC, EDQUOT


def statistics(data: Dataset) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the training pixels as tensors (3,)."""
    mean, std = data.channel_statistics()
    return torch.tensor(mean), torch.tensor(std)
