"""`train`: a generator of steps. It knows no process, no folder and no screen.

`Training` is the same with a handle on it: its `state()` between two events, given to another
`Training`, goes on from there as if nothing had happened, to the last bit on a CPU with the same
number of threads.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resviz.data.datasets import Dataset
from resviz.device import Device, moved
from resviz.training.config import TrainConfig
from resviz.training.engine.augmentation import Batches
from resviz.training.engine.checkpoint import Position, State, collect, restore
from resviz.training.engine.compilation import compile_errors, compiled
from resviz.training.engine.conv_backward import SmallMaps, is_wide
from resviz.training.engine.distributed import ALONE, Group
from resviz.training.engine.evaluation import evaluate, recalibrate
from resviz.training.engine.find_nonfinite import refuse_nonfinite
from resviz.training.engine.optimiser import learning_rate, make_optimiser
from resviz.training.engine.recorder import Recorder
from resviz.training.events import EpochEnd, Evaluation, Step

Statistics = tuple[Tensor, Tensor]  # mean and std of the pixels, (3,) each, on the scale 0 to 1


def train(
    model: nn.Module,
    data: Dataset,
    config: TrainConfig,
    device: Device,
    statistics: Statistics,
    recorder: Recorder | None = None,
) -> Iterator[Step | EpochEnd]:
    """Train `model` in place; yield a `Step` for each update and an `EpochEnd` for each epoch.

    `statistics`: by which images are normalised. Raises `TrainingError` as soon as the loss is no
    number, before that reaches the weights.
    """
    yield from Training(model, data, config, device, statistics, recorder).events()


class Training:
    """One training of `model` in place; iterate over `events()` once.

    `state`: where another one of the same model, data and configuration stood. `group`: the
    processes that do the same now, each with its share of every batch. `small_maps`: whether
    `SmallMaps` may be used.
    """

    def __init__(
        self,
        model: nn.Module,
        data: Dataset,
        config: TrainConfig,
        device: Device,
        statistics: Statistics,
        recorder: Recorder | None = None,
        state: State | None = None,
        group: Group = ALONE,
        small_maps: bool = True,
    ) -> None:
        self.model, self.data, self.config = model, data, config
        self.device, self.statistics, self.group = device, statistics, group
        self.recorder = recorder or Recorder(model, "off")
        # in which type layers compute; weights and updates stay in float32
        self.half = device.autocast if config.precision == "auto" else None
        images, targets = data.train.images, data.train.targets
        self.batches = Batches(images, targets, config, *statistics, group, device.type)
        self.weight = group.weight(self.batches.size)
        self.steps = config.epochs * len(self.batches)
        model.to(device.type, memory_format=torch.channels_last)  # type: ignore[call-overload]
        has_wide = any(map(is_wide, model.modules()))
        self.has_small_maps = small_maps and device.type == "cpu" and has_wide
        is_float16 = self.half is torch.float16
        self.optimiser = make_optimiser(model, config, fused=not is_float16)
        self.scaler = torch.amp.GradScaler(device.type, enabled=is_float16)
        self._begin(state)
        self.network = group.averaging(compiled(model) if config.compile else model)

    def _begin(self, state: State | None) -> None:
        """Take the place of another training, or the first one."""
        # sums of loss and accuracy over the epoch that goes on
        self.step, self.epoch, self._loss, self._accuracy = 0, 0, 0.0, 0.0
        self._drawn: Tensor | None = None
        if state is None:
            return
        restore(state, self.model, self.optimiser)
        at = state.position()
        self.step, self.epoch = at.step, at.epoch
        self._loss, self._accuracy = at.loss, at.accuracy
        self._drawn = state.tensors["drawn"]
        if scaler := state.scaler():
            self.scaler.load_state_dict(scaler)

    def state(self) -> State:
        """Where it stands after an event: weights, momentum, the place in the data and draws."""
        position = Position(self.step, self.epoch, self._loss, self._accuracy)
        drawn = self.batches.generator.get_state()
        return collect(self.model, self.optimiser, drawn, position, self.scaler.state_dict())

    def events(self) -> Iterator[Step | EpochEnd]:
        """Yield the updates and epochs that are left."""
        with self.recorder.watching():
            while self.epoch < self.config.epochs:
                yield from self._updates()
                yield self._end_epoch()

    def _updates(self) -> Iterator[Step]:
        self.model.train()
        first = self.step - self.epoch * len(self.batches)
        # at the first batch of an epoch nothing is drawn yet
        drawn = self._drawn if first else None
        for images, targets in self.batches.epoch(self.epoch, first, drawn):
            step = self._timed_update(images, targets)
            self._loss += step.loss
            self._accuracy += step.accuracy
            self.step += 1
            yield step

    def _timed_update(self, images: Tensor, targets: Tensor) -> Step:
        start = time.perf_counter()
        lr = learning_rate(self.config, self.step / self.steps)
        with compile_errors():
            loss, accuracy, norms, skipped = self._update(lr, images, targets)
        seconds = time.perf_counter() - start
        return Step(self.step, self.steps, self.epoch, loss, accuracy, lr, seconds, norms, skipped)

    def _end_epoch(self) -> EpochEnd:
        # one process measures, for all
        test = self.group.once(self._measure)
        count = len(self.batches)
        end = EpochEnd(self.epoch, self._loss / count, self._accuracy / count, test)
        self.epoch += 1
        self._loss, self._accuracy = 0.0, 0.0
        return end

    def _measure(self) -> Evaluation:
        is_last = self.epoch == self.config.epochs - 1
        if self.config.recalibration and is_last:
            images = self.data.train.images[_sample(len(self.data.train), self.config)]
            recalibrate(self.model, images, self.statistics, self.device, self.half)
        classes = len(self.data.labels)
        return evaluate(
            self.model, self.data.test, self.statistics, self.device, classes, self.half
        )

    def _update(
        self, lr: float, images: Tensor, targets: Tensor
    ) -> tuple[float, float, dict[str, tuple[float, ...]], bool]:
        """Make one step of SGD.

        Returns the batch's loss and accuracy, what was recorded, and whether it was skipped.
        """
        device = self.device.type
        images, targets = moved(images, device), moved(targets, device)
        images = images.contiguous(memory_format=torch.channels_last)
        loss, right = self._forward(images, targets)
        self._backward(loss, lr)
        mean = self.group.mean(torch.stack([loss.detach(), right])).float()
        numbers = self.recorder.before_update(self.group, self.weight, self._loss_scale())
        # The device is waited for once, here, before the update: while the update goes on the next
        # batch is made.
        values = torch.stack([*mean, *numbers]).tolist()
        refuse_nonfinite(values[0], self.step, self.steps, self.model, images, self.group)
        skipped = self._apply_gradients()
        after = self.recorder.after_update()
        values += torch.stack(after).tolist() if after else []
        norms = self.recorder.values(values[2:], self.step)
        return values[0], values[1], norms, skipped

    def _forward(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and accuracy of this process's share, weighted as they count for all of them."""
        with self._autocast(), self._small_maps():
            scores = self.network(images)
            smoothing = self.config.label_smoothing
            loss = F.cross_entropy(scores.float(), targets, label_smoothing=smoothing)
            loss = self.weight * loss
        right = self.weight * (scores.argmax(1) == targets).float().mean()
        return loss, right

    def _backward(self, loss: Tensor, lr: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)

    def _autocast(self) -> torch.autocast:
        half = self.half or torch.bfloat16
        return torch.autocast(self.device.type, half, enabled=self.half is not None)

    def _small_maps(self) -> AbstractContextManager[object]:
        if self.half is None or not self.has_small_maps:
            return nullcontext()
        return SmallMaps(self.half)

    def _loss_scale(self) -> Tensor | None:
        """By what the loss was multiplied, as a number on the device."""
        if not self.scaler.is_enabled():
            return None
        return self.scaler.scale(torch.ones((), device=self.device.type))

    def _apply_gradients(self) -> bool:
        """Update the weights; return whether float16 overflowed and the step was skipped."""
        before = self.scaler.get_scale()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        # after a skipped step the loss is multiplied by less
        return self.scaler.get_scale() < before


def _sample(count: int, config: TrainConfig) -> Tensor:
    """Draw the training images that BatchNorm's statistics are measured on in the end."""
    generator = torch.Generator().manual_seed(config.seed)
    return torch.randperm(count, generator=generator)[: config.recalibration]
