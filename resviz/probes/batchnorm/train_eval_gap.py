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
from resviz.probes.batchnorm.recalibration import normalised_with, scores_of
from resviz.probes.core.entry import probe
from resviz.tables import Table


@dataclass(frozen=True, slots=True)
class Quality:
    """Accuracy, and mean cross-entropy in nats."""

    accuracy: float
    loss: float


@dataclass(frozen=True, slots=True)
class TrainEvalGap:
    """What a network makes of `images` images with both kinds of statistics.

    `stored`: with the running averages; `own`: in batches of `batch` images with their own.
    """

    images: int
    batch: int
    stored: Quality
    own: Quality

    def table(self) -> Table:
        """One row for each kind of statistics."""
        rows = tuple(
            (name, quality.accuracy, quality.loss)
            for name, quality in (("running averages", self.stored), ("own batch", self.own))
        )
        return Table(("statistics", "accuracy", "loss"), rows)


@probe
def train_eval_gap(
    model: nn.Module, x: Float[Tensor, "n c h w"], targets: Int[Tensor, " n"], batch: int
) -> TrainEvalGap:
    """Measure both on the same images, as many as fill batches, cut in the order of `x`.

    Args:
        model: a classifier with BatchNorm, in any mode; it is left as it was.
        x: the images as the model receives them.
        targets: the index of each image's class.
        batch: how many images share their statistics.

    Raises:
        ProbeError: the model has no BatchNorm, a batch has fewer than two images or more than there
            are, a layer has a single value per channel, or values are not numbers.
    """
    check_images(x)
    if not 2 <= batch <= len(x):
        raise ProbeError(
            "A batch needs from 2 images to all {count} of them, got {batch}; choose another size.",
            count=len(x),
            batch=batch,
        )
    # A last batch of fewer images would have other statistics than all the rest.
    images = len(x) // batch * batch
    x, targets = x[:images], targets[:images]
    stored, own = (
        _quality(
            model,
            x,
            targets,
            batch,
            mode,
        )
        for mode in ("eval", "batch")
    )
    return TrainEvalGap(images, batch, stored, own)


def _quality(model: nn.Module, x: Tensor, targets: Tensor, batch: int, mode: str) -> Quality:
    with normalised_with(model, mode):
        # Running averages need no batches, but both ways should see the same ones.
        scores = torch.cat([scores_of(model(part.clone())) for part in x.split(batch)])
    # In float64 the mean over many images does not depend on their order.
    scores, targets = scores.cpu().double(), targets.cpu()
    right = (scores.argmax(1) == targets).double().mean()
    return Quality(float(right), float(F.cross_entropy(scores, targets)))
