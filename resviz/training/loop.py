"""`train`: a generator of steps. It knows no process, no store and no screen: who iterates decides what to keep."""

import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resviz.data.datasets import Dataset, Split
from resviz.device import Device
from resviz.errors import TrainingError
from resviz.training.augment import Batches, normalised
from resviz.training.config import TrainConfig
from resviz.training.smallmaps import SmallMaps


@dataclass(frozen=True, slots=True)
class Step:
    """One update: mean cross-entropy and accuracy of its batch, the learning rate it used, its seconds."""

    step: int
    steps: int
    epoch: int
    loss: float
    accuracy: float
    lr: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Mean cross-entropy, share of right answers, and that share for each class (NaN for a class without images)."""

    loss: float
    accuracy: float
    by_class: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """After an epoch: mean loss and accuracy of the training batches, and the test split."""

    epoch: int
    train_loss: float
    train_accuracy: float
    test: Evaluation


def train(
    model: nn.Module, data: Dataset, config: TrainConfig, device: Device, statistics: tuple[Tensor, Tensor]
) -> Iterator[Step | EpochEnd]:
    """Train `model` in place, a `Step` for each update and an `EpochEnd` for each epoch.

    `statistics` are mean and standard deviation of the pixels, (3,) each, by which images are normalised. Raises
    `TrainingError` as soon as the loss is no number: from there on the weights are none either.
    """
    half = device.autocast if config.precision == "auto" else None
    model.to(device.type, memory_format=torch.channels_last)  # type: ignore[call-overload]
    batches = Batches(data.train.images, data.train.targets, config, *statistics)
    optimiser = _optimiser(model, config)
    total = config.epochs * len(batches)
    step = 0
    for epoch in range(config.epochs):
        model.train()
        seen: list[Step] = []
        for images, targets in batches.epoch(epoch):
            start = time.perf_counter()
            lr = learning_rate(config, step / total)
            loss, accuracy = _update(model, optimiser, lr, images, targets, config, device.type, half)
            if not math.isfinite(loss):
                raise TrainingError(f"The loss is {loss} at step {step + 1} of {total}; choose a lower learning rate.")
            seen.append(Step(step, total, epoch, loss, accuracy, lr, time.perf_counter() - start))
            yield seen[-1]
            step += 1
        if config.recalibration and epoch == config.epochs - 1:
            recalibrate(model, data.train.images[_sample(len(data.train), config)], statistics, device, half)
        test = evaluate(model, data.test, statistics, device, len(data.labels), half)
        mean = [sum(getattr(s, name) for s in seen) / len(seen) for name in ("loss", "accuracy")]
        yield EpochEnd(epoch, mean[0], mean[1], test)


def learning_rate(config: TrainConfig, progress: float) -> float:
    """Learning rate at a share of all steps: linear rise over `warmup`, then linear (one-cycle) or cosine fall to 0."""
    if progress < config.warmup:
        return config.lr * max(progress / config.warmup, 0.01)
    rest = (1 - progress) / (1 - config.warmup)
    return config.lr * (rest if config.schedule == "one-cycle" else (1 - math.cos(math.pi * rest)) / 2)


@torch.inference_mode()
def recalibrate(
    model: nn.Module,
    images: Tensor,
    statistics: tuple[Tensor, Tensor],
    device: Device,
    half: torch.dtype | None = None,
) -> None:
    """Measure BatchNorm's running statistics again on whole images (uint8), each batch with the same weight.

    What training leaves was gathered on crops, at another size and from weights that still moved (Wu and Johnson
    2021, section 3; Touvron et al. 2019, section 4.2).
    """
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
    model.train()
    for batch in images.split(200):
        with torch.autocast(device.type, half or torch.bfloat16, enabled=half is not None):
            model(normalised(batch, statistics).to(device.type, memory_format=torch.channels_last))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()


def _sample(count: int, config: TrainConfig) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(config.seed))[: config.recalibration]


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    split: Split,
    statistics: tuple[Tensor, Tensor],
    device: Device,
    classes: int,
    half: torch.dtype | None = None,
) -> Evaluation:
    """Loss and accuracy of `model` in eval mode; `half` is the autocast type, None for float32."""
    model.eval()
    loss, right = 0.0, torch.zeros(len(split), dtype=torch.bool)
    for i in range(0, len(split), 250):
        images = normalised(split.images[i : i + 250], statistics)
        targets = split.targets[i : i + 250]
        with torch.autocast(device.type, half or torch.bfloat16, enabled=half is not None):
            scores = model(images.to(device.type, memory_format=torch.channels_last)).float().cpu()
        loss += F.cross_entropy(scores, targets, reduction="sum").item()
        right[i : i + 250] = scores.argmax(1) == targets
    by_class = tuple(right[split.targets == c].float().mean().item() for c in range(classes))
    return Evaluation(loss / len(split), right.float().mean().item(), by_class)


def _optimiser(model: nn.Module, config: TrainConfig) -> torch.optim.SGD:
    """Weight decay on matrices and kernels only: decaying gamma, beta or biases buys nothing (He et al. 2019, 3.1)."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=config.momentum > 0)


def _update(
    model: nn.Module,
    optimiser: torch.optim.SGD,
    lr: float,
    images: Tensor,
    targets: Tensor,
    config: TrainConfig,
    device: str,
    half: torch.dtype | None,
) -> tuple[float, float]:
    """One step of SGD; returns the batch's loss and accuracy."""
    images, targets = images.to(device, memory_format=torch.channels_last), targets.to(device)
    small = SmallMaps(half) if half is not None and device == "cpu" else nullcontext()
    with torch.autocast(device, half or torch.bfloat16, enabled=half is not None), small:
        scores = model(images)
        loss = F.cross_entropy(scores.float(), targets, label_smoothing=config.label_smoothing)
    for group in optimiser.param_groups:
        group["lr"] = lr
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
    return loss.item(), (scores.argmax(1) == targets).float().mean().item()
