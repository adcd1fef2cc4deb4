"""What a training run leaves behind: one folder that shows it, goes on with it, repeats it.

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
from resviz.files import PART
from resviz.models.spec import ModelSpec
from resviz.models.weights import checkpoints
from resviz.training.config import TrainConfig
from resviz.training.engine import checkpoint
from resviz.training.events import Evaluation
from resviz.training.request import Request
from resviz.training.runs.disk_space import way_out
from resviz.training.runs.naming import write_config
from resviz.training.schema import CONFIG, STATE, STOP, WEIGHTS

NAMED = 20  # of the files that were no pictures
KEPT_EPOCHS = 40  # weights of at most so many epochs stay, evenly: a slider's worth


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder and everything needed to repeat it.

    What writes raises `TrainingError` where that cannot be done.
    """

    folder: Path
    request: Request
    data: Dataset
    small_maps: bool = True  # whether `SmallMaps` helps where the run began

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
        """All that the numbers depend on, as plain values."""
        device = device or best()
        data = self.data
        return {
            "model": f"new/{self.spec}",
            "config": self.config.as_dict(),
            "dataset": _about(data),
            "images": {"train": len(data.train), "test": len(data.test)},
            "versions": {"torch": torch.__version__, "python": platform.python_version()},
            "device": device.name,
            "threads": torch.get_num_threads(),
            "precision": str(self._precision(device)),
            "small_maps": self.small_maps,
            "date": time.strftime("%Y-%m-%d"),
        }

    def _precision(self, device: Device) -> torch.dtype:
        if self.config.precision == "auto" and device.autocast:
            return device.autocast
        return torch.float32

    def make(self) -> None:
        """Make the folder."""
        with self.writing():
            # a folder that was given by --out may be there already
            self.folder.mkdir(parents=True, exist_ok=True)

    def sweep(self) -> None:
        """Remove what a killed process has left half written; its lock must be ours."""
        for path in self.folder.glob(f"*{PART}"):
            with self.writing():
                path.unlink(missing_ok=True)

    def start(self, device: Device | None = None, processes: int = 1) -> None:
        """Write down what is about to happen."""
        self.make()
        values = {**self.recipe(device), "processes": processes, "request": self.request.as_dict()}
        with self.writing():
            write_config(self.folder, values)

    def written_config(self) -> dict[str, Any]:
        """What `config.json` says; empty before the start."""
        try:
            values = json.loads((self.folder / CONFIG).read_text())
        except (OSError, ValueError):
            return {}
        return values if isinstance(values, dict) else {}

    def asked_to_stop(self) -> bool:
        return (self.folder / STOP).exists()

    def forget_stop(self) -> None:
        with self.writing():
            (self.folder / STOP).unlink(missing_ok=True)

    def save_state(self, state: checkpoint.State) -> None:
        """Write down where to go on."""
        with self.writing():
            checkpoint.save(self.folder / STATE, state)

    def saved_state(self) -> checkpoint.State | None:
        """Where to go on, None for a run that begins."""
        path = self.folder / STATE
        return checkpoint.load(path) if path.exists() else None

    def save_epoch(
        self, model: nn.Module, test: Evaluation | None, epoch: int, seconds: float
    ) -> None:
        """Write the weights after `epoch` epochs (0: before the first), to be looked at later."""
        # of 164 epochs each fifth: about as many as a slider can tell apart
        every = math.ceil(self.config.epochs / KEPT_EPOCHS)
        if epoch % every == 0:
            name = f"epoch-{epoch}" if epoch else "initial"
            self._write(self.folder / f"checkpoint-{name}.safetensors", model, test, seconds)
        if test is not None:
            self.save(model, test, seconds)

    def save(self, model: nn.Module, test: Evaluation, seconds: float) -> None:
        """Write the weights in half precision with their card."""
        self._write(self.weights, model, test, seconds)

    def _write(self, path: Path, model: nn.Module, test: Evaluation | None, seconds: float) -> None:
        mean, std = self.data.channel_statistics()
        side = self.config.side
        # the request names folders of this machine: it is no part of a card that is passed on
        card = {key: v for key, v in self.written_config().items() if key != "request"}
        card = card or self.recipe()
        meta = {
            "spec": self.spec.as_dict(),
            "labels": self.data.labels,
            "preprocess": {"resize": side, "crop": side, "mean": mean, "std": std},
            "card": {**card, **self._result(test), "seconds": round(seconds)},
        }
        with self.writing():
            checkpoints.save(path, model, meta)

    def _result(self, test: Evaluation | None) -> dict[str, object]:
        if test is None:
            return {}
        # JSON knows no NaN: the accuracy of a class without test images is null
        shares = (round(share, 4) if math.isfinite(share) else None for share in test.by_class)
        return {
            "accuracy": round(test.accuracy, 4),
            "by_class": dict(zip(self.data.labels, shares, strict=True)),
        }

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what the system says about a file into a sentence."""
        try:
            yield
        except (OSError, SafetensorError) as reason:
            raise self._refusal(reason) from None

    def _refusal(self, reason: Exception) -> TrainingError:
        if isinstance(reason, FileNotFoundError) or "No such file" in str(reason):
            return TrainingError(
                "{folder} was deleted while the run was going on; start it anew.",
                folder=self.folder,
            )
        return TrainingError(
            "{folder} cannot be written ({reason}); {way_out}.",
            folder=self.folder,
            reason=getattr(reason, "strerror", None) or reason,
            way_out=way_out(reason, Sentence("choose another --out")),
        )


def _about(data: Dataset) -> dict[str, object]:
    about = {"name": data.name, "sha256": data.fingerprint, "skipped": len(data.skipped)}
    # by name as well, but not a folder full of them
    left_out = data.left_out(NAMED)
    return {**about, "left_out": left_out} if left_out else about


def statistics(data: Dataset) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the training pixels as tensors (3,)."""
    mean, std = data.channel_statistics()
    return torch.tensor(mean), torch.tensor(std)
