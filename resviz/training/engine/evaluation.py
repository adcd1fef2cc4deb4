"""Measuring a network on a split, and BatchNorm's statistics again on whole images."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resviz.data.datasets import Split
from resviz.device import Device
from resviz.training.engine.augmentation import normalised
from resviz.training.events import Evaluation


@torch.inference_mode()
def recalibrate(
    model: nn.Module,
    images: Tensor,
    statistics: tuple[Tensor, Tensor],
    device: Device,
    half: torch.dtype | None = None,
) -> None:
    """Measure BatchNorm's running statistics again on whole images (uint8), each batch with the same weight.

    What training leaves was gathered on crops, at another size and from weights that still moved
    (Wu and Johnson 2021, section 3; Touvron et al. 2019, section 4.2).
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
