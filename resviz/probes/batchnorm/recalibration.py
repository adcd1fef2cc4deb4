"""Running a network whose BatchNorm layers use other statistics, and measuring these again: AdaBN.

Li et al. 2016, "Revisiting Batch Normalization For Practical Domain Adaptation", 1603.04779,
Algorithm 1.

Each layer itself normalises anew: its flag, or its running statistics, are exchanged for the time
of a forward, so that whatever else a layer does stays as it is. No average is updated, and dropout
stays off.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.layers import (
    BatchNorm,
    array,
    batch_norms,
    check_batch,
    check_images,
)
from resviz.probes.core.autograd import batch_statistics
from resviz.probes.core.hooks import eval_mode, intercept, observe
from resviz.probes.core.statistics import over_places


@dataclass(frozen=True, slots=True)
class Statistics:
    """Mean and unbiased variance per channel of each BatchNorm layer's input, over `images`."""

    images: int
    mean: Mapping[str, Float64[np.ndarray, " channels"]]
    variance: Mapping[str, Float64[np.ndarray, " channels"]]


@contextmanager
def normalised_with(
    model: nn.Module, mode: str, statistics: Statistics | None = None
) -> Iterator[None]:
    """Let each BatchNorm layer use the statistics of `mode` inside the block, without a graph."""
    norms = batch_norms(model)
    with ExitStack() as stack:
        stack.enter_context(eval_mode(model))
        stack.enter_context(torch.no_grad())
        if mode == "batch":
            stack.enter_context(batch_statistics(model))
            stack.enter_context(intercept(model, norms, _check_input))
        if mode == "recalibrated":
            stack.enter_context(_recalibrated(model, norms, statistics))
        yield


def _check_input(layer: str, inputs: tuple[Tensor]) -> None:
    check_batch(layer, inputs[0])


@contextmanager
def _recalibrated(
    model: nn.Module, norms: Mapping[str, BatchNorm], statistics: Statistics | None
) -> Iterator[None]:
    """Exchange the running statistics of each layer, when it is about to run."""
    # They belong to the caller's model: whatever happens inside, these come back.
    stored = {layer: (one.running_mean, one.running_var) for layer, one in norms.items()}

    def exchange(layer: str, inputs: tuple[Tensor]) -> None:
        if statistics is None or layer not in statistics.mean:
            raise ProbeError(
                "There are no recalibrated statistics for {layer}; measure them on this model "
                "first.",
                layer=layer,
            )
        # Only now it is known in which type and on which device the layer works.
        mean, variance = statistics.mean[layer], statistics.variance[layer]
        norms[layer].running_mean = torch.from_numpy(mean).to(inputs[0])
        norms[layer].running_var = torch.from_numpy(variance).to(inputs[0])

    try:
        with intercept(model, norms, exchange):
            yield
    finally:
        for layer, (mean, variance) in stored.items():
            norms[layer].running_mean, norms[layer].running_var = mean, variance


def scores_of(output: object) -> Tensor:
    """The output as class scores; raises `ProbeError` where it is something else."""
    if isinstance(output, Tensor) and output.ndim == 2:
        return output
    raise ProbeError(
        "This model gives no class scores (images x classes), so modes cannot be compared; choose "
        "another."
    )


def recalibrate(model: nn.Module, batches: Iterable[Tensor]) -> Statistics:
    """Measure the statistics of each layer again, as AdaBN does.

    Every layer before it normalises with those of the batch at hand. Batches are pooled: mean and
    variance are those over all images of all batches.

    Args:
        model: a network with BatchNorm, in any mode; it is left as it was.
        batches: each (n, c, h, w), as the model receives them.

    Raises:
        ProbeError: there is no image, a layer has a single value per channel, or values are no
            numbers.
    """
    norms = batch_norms(model)
    pools = {layer: Pool(one.num_features) for layer, one in norms.items()}
    images = 0

    def record(layer: str, inputs: tuple[Tensor], _output: object) -> None:
        pools[layer].add(inputs[0])

    for x in batches:
        images += len(x)
        check_images(x)
        with normalised_with(model, "batch"), observe(model, norms, record):
            model(x.clone())
    if not images:
        raise ProbeError("There is no image to measure statistics on; give at least one.")
    ran = {layer: pool for layer, pool in pools.items() if pool.count}
    return Statistics(
        images,
        mean={layer: pool.mean for layer, pool in ran.items()},
        variance={layer: pool.unbiased_variance for layer, pool in ran.items()},
    )


class Pool:
    """Count, mean and sum of squared differences per channel of all that was added, in float64.

    Two sets are pooled as in Chan et al. 1983, "Algorithms for Computing the Sample Variance",
    eqn. 2.1: the difference d of their means adds d^2 n_1 n_2 / (n_1 + n_2) to the squares.

    Example:
        >>> import torch
        >>> pool = Pool(channels=1)
        >>> pool.add(torch.tensor([[1.0], [3.0]]))
        >>> pool.add(torch.tensor([[5.0]]))
        >>> pool.mean.tolist(), pool.unbiased_variance.tolist()
        ([3.0], [4.0])
    """

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.mean: Float64[np.ndarray, " channels"] = np.zeros(channels)
        self.squares: Float64[np.ndarray, " channels"] = np.zeros(channels)

    def add(self, x: Tensor) -> None:
        """Add a batch (n, channels, ...), all its places."""
        mean, variance = (array(moment) for moment in over_places(x))
        added = x.numel() // x.shape[1]
        before, self.count = self.count, self.count + added
        difference = mean - self.mean
        self.mean = self.mean + difference * added / self.count
        between = difference**2 * before * added / self.count
        self.squares = self.squares + variance * added + between

    @property
    def unbiased_variance(self) -> Float64[np.ndarray, " channels"]:
        """Divided by n - 1, as running averages store it."""
        return self.squares / max(self.count - 1, 1)
