"""The same images with other statistics: stored, the batch's own, or measured again elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.layers import batch_norms, check_images
from resviz.probes.batchnorm.recalibration import Statistics, normalised_with, scores_of
from resviz.probes.core.entry import probe
from resviz.probes.core.hooks import Record, observe
from resviz.probes.core.prediction import Guess, class_name, probabilities
from resviz.probes.core.statistics import norm
from resviz.tables import Table

MODES = ("eval", "batch", "recalibrated")
# Outputs of evaluation mode that are held to compare with. What does not fit is compared in a
# further round of forwards: slower, but the memory is bounded for deep networks too.
HELD_BYTES = 2**29


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
        shares = probabilities(torch.from_numpy(self.scores[image]))
        best = np.argsort(-shares, kind="stable")[:k].tolist()
        return tuple(Guess(class_name(labels, i), float(shares[i]), i) for i in best)


def table(modes: Sequence[Mode], titles: Sequence[str], labels: Sequence[str]) -> Table:
    """The five likeliest classes of each image in each mode; `titles` name the images."""
    rows = tuple(
        (title, mode.name, guess.label, guess.probability)
        for image, title in enumerate(titles)
        for mode in modes
        for guess in mode.top(image, labels)
    )
    return Table(("image", "statistics", "label", "probability"), rows)


@probe
def batchnorm_modes(
    model: nn.Module, x: Float[Tensor, "n c h w"], statistics: Statistics | None = None
) -> tuple[Mode, ...]:
    """Run a batch with the stored statistics, with its own, and with recalibrated ones.

    Each mode runs alone, for a layer without running statistics would otherwise mix them. How far
    they lie apart in a layer's output y is |y - y_eval| / |y_eval| (L2 norms over the batch).

    Args:
        model: a classifier with BatchNorm, in any mode; it is left as it was.
        x: a batch as the model receives it.
        statistics: what `recalibrate` gave; None leaves the third mode out.

    Returns:
        The modes "eval", "batch" and, with `statistics`, "recalibrated".

    Raises:
        ProbeError: the model has no BatchNorm or gives no class scores, a layer has a single value
            per channel (one small image), or the images hold values that are not numbers.

    Example:
        >>> net = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten())  # stored: mean 0, variance 1
        >>> stored, own = batchnorm_modes(net, torch.tensor([1.0, 3.0]).reshape(2, 1, 1, 1))
        >>> stored.scores.round(3).ravel().tolist(), own.scores.round(3).ravel().tolist()
        ([1.0, 3.0], [-1.0, 1.0])

    Reference:
        Li et al. 2016, "Revisiting Batch Normalization For Practical Domain Adaptation",
        1603.04779, Algorithm 1.
    """
    check_images(x)
    names = MODES if statistics else MODES[:2]
    changes: dict[str, dict[str, float]] = {name: {} for name in names}
    scores: dict[str, Tensor] = {}
    remaining = list(batch_norms(model))
    while remaining:
        held = _Held(HELD_BYTES)
        for name in names:
            record = held.keep if name == "eval" else held.compare(changes[name])
            with normalised_with(model, name, statistics), observe(model, remaining, record):
                scores[name] = scores_of(model(x.clone()))
        changes["eval"] |= dict.fromkeys(held.outputs, 0.0)
        remaining = held.left_out
    layers = tuple(changes["eval"])
    return tuple(
        _mode(
            name,
            scores[name],
            layers,
            changes[name],
        )
        for name in names
    )


def _mode(name: str, scores: Tensor, layers: tuple[str, ...], changes: Mapping[str, float]) -> Mode:
    change = np.array([changes[layer] for layer in layers], np.float64)
    wide = scores.to(torch.promote_types(scores.dtype, torch.float32))  # NumPy has no bfloat16
    return Mode(name, wide.cpu().numpy(), layers, change)


class _Held:
    """Outputs of layers in evaluation mode, as many in a row as fit; one always does."""

    def __init__(self, most_bytes: int) -> None:
        self.outputs: dict[str, Tensor] = {}
        self.left_out: list[str] = []
        self._room = most_bytes

    def keep(self, layer: str, _inputs: object, output: Tensor) -> None:
        """Hold a copy of the output; of a layer that runs more than once, the last."""
        is_full = self._room <= 0 and layer not in self.outputs
        if is_full or layer in self.left_out:
            self.left_out = list(dict.fromkeys([*self.left_out, layer]))
            return
        self.outputs[layer] = output.clone()
        self._room -= output.nbytes

    def compare(self, changes: dict[str, float]) -> Record:
        """Write each held layer's change into `changes`."""

        def record(layer: str, _inputs: object, output: Tensor) -> None:
            if layer in self.outputs:
                changes[layer] = _change(output, self.outputs[layer])

        return record


def _change(output: Tensor, reference: Tensor) -> float:
    size = norm(reference)
    return norm(output - reference) / size if size else 0.0


def accuracy(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    mode: str = "eval",
    statistics: Statistics | None = None,
) -> float:
    """The share of images whose likeliest class is their target, with the statistics of `mode`.

    A batch is its images (n, c, h, w) and their targets (n,). Raises `ProbeError` without images or
    statistics.
    """
    right = count = 0
    for x, targets in batches:
        with normalised_with(model, mode, statistics):
            answers = scores_of(model(x.clone())).argmax(1)
        right += int((answers == targets.to(x.device)).sum())
        count += len(targets)
    if not count:
        raise ProbeError("There is no image to measure accuracy on; give at least one.")
    return right / count
