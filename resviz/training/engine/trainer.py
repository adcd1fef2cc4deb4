"""`train`: a generator of steps. It knows no process, no store and no screen: who iterates decides what to keep.

`Training` is the same with a handle on it: its `state()` between two events, given to another
`Training`, goes on from there as if nothing had happened, to the last bit on a CPU with the same
number of threads.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resviz.data.datasets import Dataset
from resviz.device import Device, moved
from resviz.errors import Sentence, TrainingError, first_line
from resviz.training.config import TrainConfig
from resviz.training.engine.augmentation import Batches
from resviz.training.engine.checkpoint import State, momenta, restore
from resviz.training.engine.conv_backward import SmallMaps, wide
from resviz.training.engine.distributed import ALONE, Group
from resviz.training.engine.evaluation import evaluate, recalibrate
from resviz.training.engine.find_nonfinite import first_nonfinite_layer
from resviz.training.engine.recorder import Recorder
from resviz.training.events import EpochEnd, Evaluation, Step

BACKEND = "inductor"  # of `torch.compile`


class DivergedError(TrainingError):
    """The loss is no number any more."""


def train(
    model: nn.Module,
    data: Dataset,
    config: TrainConfig,
    device: Device,
    statistics: tuple[Tensor, Tensor],
    recorder: Recorder | None = None,
) -> Iterator[Step | EpochEnd]:
    """Train `model` in place, a `Step` for each update and an `EpochEnd` for each epoch.

    `statistics` are mean and standard deviation of the pixels, (3,) each, by which images are
    normalised. Raises `TrainingError` as soon as the loss is no number, before that reaches the
    weights.
    """
    yield from Training(model, data, config, device, statistics, recorder).events()


class Training:
    """One training of `model` in place; iterate over `events()` once.

    `state`: where another one of the same model, data and configuration stood. `group`: the
    processes that do the same now, each with its share of every batch.
    """

    def __init__(
        self,
        model: nn.Module,
        data: Dataset,
        config: TrainConfig,
        device: Device,
        statistics: tuple[Tensor, Tensor],
        recorder: Recorder | None = None,
        state: State | None = None,
        group: Group = ALONE,
    ) -> None:
        self.model, self.data, self.config, self.device, self.statistics = (
            model,
            data,
            config,
            device,
            statistics,
        )
        self.recorder, self.group = recorder or Recorder(model, "off"), group
        self.half = device.autocast if config.precision == "auto" else None
        self.batches = Batches(
            data.train.images, data.train.targets, config, *statistics, group, device.type
        )
        self.weight = group.weight(self.batches.size)
        self.steps = config.epochs * len(self.batches)
        model.to(device.type, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.small = device.type == "cpu" and any(map(wide, model.modules()))
        self.optimiser = _optimiser(model, config, fused=self.half is not torch.float16)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.half is torch.float16)
        self._drawn: Tensor | None = None
        self.step, self.epoch, self._loss, self._accuracy = (
            0,
            0,
            0.0,
            0.0,
        )  # the last two: sums over the epoch
        if state is not None:
            restore(state, model, self.optimiser)
            self.step, self.epoch, self._loss, self._accuracy, self._drawn = state.position()
            if scaler := state.scaler():
                self.scaler.load_state_dict(scaler)
        self.network = group.averaging(compiled(model) if config.compile else model)

    def state(self) -> State:
        """Where it stands, after any event: weights, momentum, the place in the data and in what is drawn."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {
            f"momentum.{name}": value for name, value in momenta(self.model, self.optimiser)
        }
        tensors = {
            name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()
        }
        drawn = self.batches.generator.get_state()
        numbers = {
            "step": self.step,
            "epoch": self.epoch,
            "loss": self._loss,
            "accuracy": self._accuracy,
        }
        numbers |= {f"scaler.{name}": value for name, value in self.scaler.state_dict().items()}
        return State({**tensors, "drawn": drawn}, numbers)

    def events(self) -> Iterator[Step | EpochEnd]:
        """The updates and epochs that are left."""
        with self.recorder.watching():
            while self.epoch < self.config.epochs:
                yield from self._updates()
                yield self._end()

    def _updates(self) -> Iterator[Step]:
        self.model.train()
        first = self.step - self.epoch * len(self.batches)
        batches = self.batches.epoch(self.epoch, first, self._drawn if first else None)
        for images, targets in batches:
            start = time.perf_counter()
            lr = learning_rate(self.config, self.step / self.steps)
            with _translation():
                loss, accuracy, norms, skipped = self._update(lr, images, targets)
            self._loss += loss
            self._accuracy += accuracy
            self.step += 1
            seconds = time.perf_counter() - start
            yield Step(
                self.step - 1, self.steps, self.epoch, loss, accuracy, lr, seconds, norms, skipped
            )

    def _end(self) -> EpochEnd:
        test = self.group.once(self._measured)
        count = len(self.batches)
        end = EpochEnd(self.epoch, self._loss / count, self._accuracy / count, test)
        self.epoch, self._loss, self._accuracy = self.epoch + 1, 0.0, 0.0
        return end

    def _measured(self) -> Evaluation:
        if self.config.recalibration and self.epoch == self.config.epochs - 1:
            images = self.data.train.images[_sample(len(self.data.train), self.config)]
            recalibrate(self.model, images, self.statistics, self.device, self.half)
        classes = len(self.data.labels)
        return evaluate(
            self.model, self.data.test, self.statistics, self.device, classes, self.half
        )

    def _update(
        self, lr: float, images: Tensor, targets: Tensor
    ) -> tuple[float, float, dict[str, tuple[float, ...]], bool]:
        """One step of SGD; returns the batch's loss and accuracy, what was recorded, and whether the step was skipped.

        The device is waited for once, before the update: while that goes on the next batch is made.
        """
        device = self.device.type
        images, targets = moved(images, device), moved(targets, device)
        images = images.contiguous(memory_format=torch.channels_last)
        small = SmallMaps(self.half) if self.half is not None and self.small else nullcontext()
        with (
            torch.autocast(device, self.half or torch.bfloat16, enabled=self.half is not None),
            small,
        ):
            scores = self.network(images)
            loss = self.weight * F.cross_entropy(
                scores.float(), targets, label_smoothing=self.config.label_smoothing
            )
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        right = self.weight * (scores.argmax(1) == targets).float().mean()
        mean = self.group.mean(torch.stack([loss.detach(), right])).float()
        scale = (
            self.scaler.scale(torch.ones((), device=device)) if self.scaler.is_enabled() else None
        )
        numbers = self.recorder.before_update(self.group, self.weight, scale)
        found = torch.stack([*mean, *numbers]).tolist()
        self._check(found[0], images)
        skipped = self._step()
        after = self.recorder.after_update()
        found += torch.stack(after).tolist() if after else []
        return found[0], found[1], self.recorder.values(found[2:], self.step), skipped

    def _step(self) -> bool:
        """Update the weights, but not where float16 could not hold the gradients: then the loss is scaled less."""
        before = self.scaler.get_scale()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return self.scaler.get_scale() < before

    def _check(self, loss: float, images: Tensor) -> None:
        if math.isfinite(loss):
            return
        name = next(
            filter(None, self.group.gathered(first_nonfinite_layer(self.model, images))), None
        )
        place = Sentence("; it began in {layer}", layer=name) if name else ""
        raise DivergedError(
            "The loss is {loss} at step {step} of {steps}{place}; choose a lower learning rate.",
            loss=loss,
            step=self.step + 1,
            steps=self.steps,
            place=place,
        )


def compiled(model: nn.Module) -> nn.Module:
    """The same model, whose forward and backward passes PyTorch translates when they are first used."""
    import torch._dynamo  # which `torch.compile` imports anyway

    torch._dynamo.config.skip_nnmodule_hook_guards = (
        False  # else it overlooks the recorder's hooks now and then
    )
    return cast(nn.Module, torch.compile(model, backend=BACKEND))


@contextmanager
def _translation() -> Iterator[None]:
    """Where `torch.compile` has not what it needs it says so at the first step, in many lines."""
    try:
        yield
    except RuntimeError as reason:
        if not any(
            kind.__module__.startswith(("torch._dynamo", "torch._inductor"))
            for kind in type(reason).__mro__
        ):
            raise
        raise TrainingError(
            "torch.compile cannot translate this network here ({reason}); install what it needs, a C++ compiler for a "
            "processor and Triton for a GPU, or leave out --compile.",
            reason=first_line(reason),
        ) from reason


def learning_rate(config: TrainConfig, progress: float) -> float:
    """Learning rate at a share of all steps: linear rise over `warmup`, then linear (one-cycle) or cosine fall to 0.

    `steps` divides it by ten at one half and again at three quarters, as He et al. 2015 do in
    section 4.2.
    """
    if progress < config.warmup:
        return config.lr * max(progress / config.warmup, 0.01)
    if config.schedule == "steps":
        return config.lr * (1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01)
    rest = (1 - progress) / (1 - config.warmup)
    return config.lr * (
        rest if config.schedule == "one-cycle" else (1 - math.cos(math.pi * rest)) / 2
    )


def _sample(count: int, config: TrainConfig) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(config.seed))[
        : config.recalibration
    ]


def _optimiser(model: nn.Module, config: TrainConfig, fused: bool) -> torch.optim.SGD:
    """Weight decay on matrices and kernels only: decaying gamma, beta or biases buys nothing (He et al. 2019, 3.1).

    All weights at once if `fused`; a scaler that skips the first step would leave the momentum
    without a beginning.
    """
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.SGD(
        groups, lr=config.lr, momentum=config.momentum, nesterov=config.momentum > 0, fused=fused
    )
