"""Measure a network on a split, and BatchNorm's statistics again on whole images."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resviz.data.datasets import Split
from resviz.device import Device
from resviz.training.engine.augmentation import normalised
from resviz.training.events import Evaluation

# Images in a batch. No gradient is kept, so that such a batch fits wherever a training does.
CALIBRATION_BATCH = 200
TEST_BATCH = 250


@torch.inference_mode()
def recalibrate(
    model: nn.Module,
    images: Tensor,
    statistics: tuple[Tensor, Tensor],
    device: Device,
    half: torch.dtype | None = None,
) -> None:
    """Measure BatchNorm's running statistics again on whole images (uint8).

    Each batch counts the same. What training leaves was gathered on crops, at another size and from
    weights that still moved (Wu and Johnson 2021, section 3; Touvron et al. 2019, section 4.2).
    """
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches, not a moving average
    model.train()
    for batch in images.split(CALIBRATION_BATCH):
        _scores(model, normalised(batch, statistics), device, half)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    split: Split,
    statistics: tuple[Tensor, Tensor],
    device: Device,
    classes: int,
    half: torch.dtype | None = None,
) -> Evaluation:
    """Compute loss and accuracy of `model` in evaluation mode.

    `half`: the autocast type, None for float32.
    """
    # statistics of the batch would let images of one batch depend on each other
    model.eval()
    loss = 0.0
    is_right = torch.zeros(len(split), dtype=torch.bool)
    for first in range(0, len(split), TEST_BATCH):
        batch = slice(first, first + TEST_BATCH)
        targets = split.targets[batch]
        images = normalised(split.images[batch], statistics)
        # in float32: a cross-entropy of half precision loses the digits of sure answers
        scores = _scores(model, images, device, half).float().cpu()
        loss += F.cross_entropy(scores, targets, reduction="sum").item()
        is_right[batch] = scores.argmax(1) == targets
    by_class = [is_right[split.targets == c].float().mean().item() for c in range(classes)]
    accuracy = is_right.float().mean().item()
    return Evaluation(loss / len(split), accuracy, tuple(by_class))


def _scores(model: nn.Module, images: Tensor, device: Device, half: torch.dtype | None) -> Tensor:
    images = images.to(device.type, memory_format=torch.channels_last)
    with torch.autocast(device.type, half or torch.bfloat16, enabled=half is not None):
        scores: Tensor = model(images)
    return scores
