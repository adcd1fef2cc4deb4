"""The same weights on the same images, once as they train and once as they are used.

While it trains, BatchNorm divides a batch by its own statistics; afterwards by the running averages
of those. With few images in a batch the two differ, and so do the answers (Ioffe 2017, "Batch
Renormalization", 1702.03275, section 1).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.layers import check_images
from resviz.probes.batchnorm.modes import normalised_with, scores_of


@dataclass(frozen=True, slots=True)
class Answers:
    """Share of right answers, and mean cross-entropy in nats."""

    accuracy: float
    loss: float


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What a network says of `images` images: with the running averages, and in batches of `batch` with their own."""

    images: int
    batch: int
    stored: Answers
    own: Answers


def mismatch(
    model: nn.Module, x: Float[Tensor, "n c h w"], targets: Int[Tensor, " n"], batch: int
) -> Mismatch:
    """Both on the same images, as many as fill batches; the batches are cut in the order of `x`.

    Raises `ProbeError` for a model without BatchNorm, fewer than two images in a batch, fewer
    images than one batch, a layer with a single value per channel, and values that are not numbers.
    """
    check_images(x)
    if not 2 <= batch <= len(x):
        raise ProbeError(
            "A batch needs from 2 images to all {count} of them, got {batch}; choose another size.",
            count=len(x),
            batch=batch,
        )
    images = len(x) // batch * batch
    x, targets = x[:images], targets[:images]
    return Mismatch(
        images,
        batch,
        _answers(model, x, targets, batch, "eval"),
        _answers(model, x, targets, batch, "batch"),
    )


def _answers(model: nn.Module, x: Tensor, targets: Tensor, batch: int, mode: str) -> Answers:
    with normalised_with(model, mode):
        scores = torch.cat([scores_of(model(part)).float() for part in x.split(batch)])
    targets = targets.to(scores.device)
    right = (scores.argmax(1) == targets).float().mean()
    return Answers(float(right), float(F.cross_entropy(scores, targets)))
