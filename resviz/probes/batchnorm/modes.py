"""The same images with other statistics: those that were stored, the batch's own, or measured again elsewhere.

Measuring them again on images of the kind that will come is AdaBN (Li et al. 2016, "Revisiting
Batch Normalization For Practical Domain Adaptation", 1603.04779, Algorithm 1). A hook lets each
layer normalise anew; neither the model's statistics nor its training flags are touched, and dropout
stays off.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.layers import (
    BatchNorm,
    array,
    batch_norms,
    check_batch,
    check_images,
)
from resviz.probes.core.hooks import eval_mode, observe
from resviz.probes.core.prediction import Guess, class_name, softmax
from resviz.probes.core.statistics import over_places

MODES = ("eval", "batch", "recalibrated")


@dataclass(frozen=True, slots=True)
class Statistics:
    """Mean and unbiased variance per channel of what flows into each BatchNorm layer, over `images` images."""

    images: int
    mean: Mapping[str, Float64[np.ndarray, " channels"]]
    variance: Mapping[str, Float64[np.ndarray, " channels"]]


@dataclass(frozen=True, slots=True)
class Mode:
    """What a network makes of a batch with one choice of statistics.

    `change` is |y - y_eval| / |y_eval| of each BatchNorm layer's output y over the whole batch (L2
    norms).
    """

    name: str
    scores: Float[np.ndarray, "n classes"]
    layers: tuple[str, ...]
    change: Float64[np.ndarray, " layers"]

    def top(self, image: int, labels: Sequence[str], k: int = 5) -> tuple[Guess, ...]:
        """The `k` likeliest classes of one image of the batch."""
        probabilities = softmax(torch.from_numpy(self.scores[image]))
        best = np.argsort(-probabilities, kind="stable")[:k].tolist()
        return tuple(Guess(class_name(labels, i), float(probabilities[i]), i) for i in best)


def recalibrate(model: nn.Module, batches: Iterable[Tensor]) -> Statistics:
    """AdaBN: the statistics of each layer while every layer before it normalises with those of the batch at hand.

    Batches (n, c, h, w) are pooled (Chan et al. 1983): mean and variance are those over all images
    of all batches. Raises `ProbeError` without images, for a layer with a single value per channel,
    and for values that are no numbers.
    """
    norms = batch_norms(model)
    pools = {name: _Pool(norm.num_features) for name, norm in norms.items()}
    images = 0
    for x in batches:
        images += len(x)
        check_images(x)
        with normalised_with(model, "batch", pools):
            model(x)
    if not images:
        raise ProbeError("There is no image to measure statistics on; give at least one.")
    ran = {name: pool for name, pool in pools.items() if pool.count}
    return Statistics(
        images,
        {name: pool.mean for name, pool in ran.items()},
        {name: pool.squares / max(pool.count - 1, 1) for name, pool in ran.items()},
    )


def batchnorm_modes(
    model: nn.Module, x: Float[Tensor, "n c h w"], statistics: Statistics | None = None
) -> tuple[Mode, ...]:
    """`x` in evaluation mode, with its own statistics as a batch, and (if given) with recalibrated `statistics`.

    One forward of all modes side by side, so that no layer's output has to be kept. Raises
    `ProbeError` for a model without BatchNorm, a layer with a single value per channel, and values
    that are not numbers.
    """
    check_images(x)
    norms, names = batch_norms(model), MODES[: 3 if statistics else 2]
    changes: dict[str, list[float]] = {}

    def record(layer: str, inputs: tuple[Tensor], after: Tensor) -> Tensor:
        before = inputs[0]
        parts, reference = before.chunk(len(names)), after.chunk(len(names))[0]
        others = [
            _normalised(layer, norms[layer], x, n, statistics)
            for x, n in zip(parts[1:], names[1:], strict=True)
        ]
        norm = torch.linalg.vector_norm(reference)
        changes[layer] = [
            float(torch.linalg.vector_norm(y - reference) / norm) if norm else 0.0 for y in others
        ]
        return torch.cat([reference, *others])

    with eval_mode(model), torch.no_grad(), observe(model, norms, record):
        scores = scores_of(model(x.repeat(len(names), 1, 1, 1))).chunk(len(names))
    columns = [
        np.zeros(len(changes)),
        *np.array(list(changes.values())).reshape(len(changes), -1).T,
    ]
    return tuple(
        Mode(name, part.float().cpu().numpy(), tuple(changes), column)
        for name, part, column in zip(names, scores, columns, strict=True)
    )


def accuracy(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    mode: str = "eval",
    statistics: Statistics | None = None,
) -> float:
    """Share of images whose likeliest class is their target, with the statistics of `mode`.

    A batch is its images (n, c, h, w) and their targets (n,). Raises `ProbeError` without images or
    statistics.
    """
    right = count = 0
    for x, targets in batches:
        with normalised_with(model, mode, statistics=statistics):
            right += int((scores_of(model(x)).argmax(1) == targets.to(x.device)).sum())
        count += len(targets)
    if not count:
        raise ProbeError("There is no image to measure accuracy on; give at least one.")
    return right / count


@contextmanager
def normalised_with(
    model: nn.Module,
    mode: str,
    pools: "Mapping[str, _Pool] | None" = None,
    statistics: Statistics | None = None,
) -> Iterator[None]:
    """Inside the block, without a graph, each BatchNorm layer uses the statistics of `mode`; `pools` gather them."""
    norms = batch_norms(model)

    def record(layer: str, inputs: tuple[Tensor], after: Tensor) -> Tensor:
        before = inputs[0]
        if pools is not None:
            pools[layer].add(before)
        return (
            _normalised(layer, norms[layer], before, mode, statistics) if mode != "eval" else after
        )

    with eval_mode(model), torch.no_grad(), observe(model, norms, record):
        yield


class _Pool:
    """Count, mean and sum of squared differences per channel of all that was added, in float64."""

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.mean, self.squares = np.zeros(channels), np.zeros(channels)

    def add(self, x: Tensor) -> None:
        mean, variance = (array(values) for values in over_places(x))
        count, before = x.numel() // x.shape[1], self.count
        squares, apart = variance * count, mean - self.mean
        self.count += count
        self.mean = self.mean + apart * count / self.count
        self.squares = self.squares + squares + apart**2 * before * count / self.count


def _normalised(
    layer: str, norm: BatchNorm, x: Tensor, mode: str, statistics: Statistics | None
) -> Tensor:
    if mode == "batch":
        check_batch(layer, x)
        return F.batch_norm(x, None, None, norm.weight, norm.bias, True, 0.0, norm.eps)
    if mode != "recalibrated" or statistics is None or layer not in statistics.mean:
        raise ProbeError(
            "There are no recalibrated statistics for {layer}; measure them on this model first.",
            layer=layer,
        )
    mean, variance = (
        torch.from_numpy(values[layer]).to(device=x.device, dtype=x.dtype)
        for values in (statistics.mean, statistics.variance)
    )
    return F.batch_norm(x, mean, variance, norm.weight, norm.bias, False, 0.0, norm.eps)


def scores_of(output: object) -> Tensor:
    """The output as class scores; raises `ProbeError` where it is something else."""
    if isinstance(output, Tensor) and output.ndim == 2:
        return output
    raise ProbeError(
        "This model gives no class scores (images x classes), so modes cannot be compared; choose another."
    )
