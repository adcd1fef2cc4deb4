"""BatchNorm opened: what each layer holds, and how far a batch lies from it.

A layer computes y = gamma * (x - mean) / sqrt(variance + eps) + beta per channel (Ioffe and Szegedy
2015, 1502.03167): with the batch's mean and variance while it trains (Algorithm 1), with running
averages of them afterwards (Algorithm 2). Where a batch differs from what was averaged, x comes out
neither centred nor scaled; the distances below say how far.

The batch's numbers are computed here from what flows into the layer, in evaluation mode: nothing is
updated.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.layers import (
    BatchNorm,
    array,
    batch_norms,
    check_images,
    normalised,
    rectifies,
)
from resviz.probes.batchnorm.tracking import Rectified
from resviz.probes.core.entry import probe
from resviz.probes.core.hooks import eval_mode, observe
from resviz.probes.core.statistics import over_places

NEAR_ZERO = 0.01  # a gamma below this shows a hundredth of what a fresh one does


@dataclass(frozen=True, slots=True)
class BatchMoments:
    """What flows through one layer for a batch: `values` numbers in each channel.

    `variance` is the biased one (divided by n), which the layer uses while it trains. `constant`:
    all values are the same. `positive` is the share of normalised values above zero; `relu`: a ReLU
    receives them as they are.
    """

    values: int
    mean: Float64[np.ndarray, " channels"]
    variance: Float64[np.ndarray, " channels"]
    constant: Bool[np.ndarray, " channels"]
    positive: Float64[np.ndarray, " channels"]
    relu: bool


@dataclass(frozen=True, slots=True)
class BatchNormLayer:
    """One layer, its values per channel; `batch` is None without images or if it did not run.

    Without gamma and beta they are 1 and 0; without running statistics these are NaN, and so is
    every distance. `momentum` is the weight of the newest batch in the running average, None for a
    plain mean over `batches`.
    """

    layer: str
    gamma: Float64[np.ndarray, " channels"]
    beta: Float64[np.ndarray, " channels"]
    running_mean: Float64[np.ndarray, " channels"]
    running_variance: Float64[np.ndarray, " channels"]
    eps: float
    momentum: float | None
    batches: int
    batch: BatchMoments | None

    @property
    def shift(self) -> Float64[np.ndarray, " channels"]:
        """(batch mean - running mean) / sqrt(running variance + eps): the mean of x_hat."""
        sigma = np.sqrt(self.running_variance + self.eps)
        return np.asarray((self._seen.mean - self.running_mean) / sigma)

    @property
    def log_ratio(self) -> Float64[np.ndarray, " channels"]:
        """ln((batch variance + eps) / (running variance + eps)): 0.69 where it doubled."""
        here = self._seen.variance + self.eps
        return np.asarray(np.log(here / (self.running_variance + self.eps)))

    @property
    def divergence(self) -> Float64[np.ndarray, " channels"]:
        """KL(p|q) + KL(q|p) in nats of two Gaussians, with the batch's and the running moments.

        (r + 1/r - 2 + d^2 (1 + 1/r)) / 2 with d the shift and r the ratio of variances (Jeffreys
        1946).
        """
        ratio, shift = np.exp(self.log_ratio), self.shift
        spread = ratio + 1 / ratio - 2
        return np.asarray((spread + shift**2 * (1 + 1 / ratio)) / 2)

    @property
    def drift(self) -> float:
        """The layer's median divergence over its channels."""
        return float(np.median(self.divergence))

    @property
    def switched_off(self) -> Int[np.ndarray, " off"]:
        """Channels with |gamma| < 0.01: whatever comes in, nearly the constant beta goes out."""
        return np.flatnonzero(np.abs(self.gamma) < NEAR_ZERO)

    @property
    def dead(self) -> Int[np.ndarray, " dead"]:
        """Channels that a ReLU cuts off for the whole batch: they are never positive before it."""
        return np.flatnonzero((self._seen.positive == 0) & self._seen.relu)

    @property
    def scale(self) -> Float64[np.ndarray, " channels"]:
        """gamma / sqrt(running variance + eps): the factor of the layer once it is folded."""
        return self.gamma / np.sqrt(self.running_variance + self.eps)

    @property
    def _seen(self) -> BatchMoments:
        if self.batch is None:
            raise ProbeError(
                "No image went through {layer}; give one to compare with.", layer=self.layer
            )
        return self.batch


@probe
def batchnorm(
    model: nn.Module, x: Float[Tensor, "n c h w"] | None = None
) -> tuple[BatchNormLayer, ...]:
    """Read every BatchNorm layer, and for images `x` what flows through it, from one forward.

    A layer normalises with stored moments; how far a batch lies from them is the symmetric
    divergence (r + 1/r - 2 + d^2 (1 + 1/r)) / 2, with r = (v + eps) / (v_run + eps) the ratio of
    variances and d = (m - m_run) / sqrt(v_run + eps) the shift of the mean. Of a layer that runs
    more than once the last run counts.

    Args:
        model: a network with BatchNorm, in any mode; it is left as it was.
        x: a batch as the model receives it; None for what is stored alone.

    Returns:
        The layers in the order of the network, each with arrays of one value per channel.

    Raises:
        ProbeError: the model has no BatchNorm, or the images hold values that are not numbers.

    Example:
        >>> norm = nn.BatchNorm2d(1, eps=0.0)  # stored: mean 0, variance 1
        >>> images = torch.tensor([1.0, 3.0]).reshape(2, 1, 1, 1)
        >>> layer, = batchnorm(nn.Sequential(norm), images)
        >>> float(layer.shift[0]), float(layer.batch.variance[0])
        (2.0, 1.0)

    Reference:
        Ioffe and Szegedy 2015, "Batch Normalization", 1502.03167, Algorithms 1 and 2. The
        divergence: Jeffreys 1946, "An invariant form for the prior probability".
    """
    norms = batch_norms(model)
    batches = {} if x is None else _moments_of(model, norms, x)
    return tuple(_layer(name, norm, batches.get(name)) for name, norm in norms.items())


def _moments_of(
    model: nn.Module, norms: dict[str, BatchNorm], x: Tensor
) -> dict[str, BatchMoments]:
    """Of each layer that runs in evaluation mode."""
    check_images(x)
    rectified = Rectified()
    moments: dict[str, BatchMoments] = {}

    def record(layer: str, inputs: tuple[Tensor], after: Tensor) -> None:
        rectified.sources.follow(layer, after)
        values = normalised(norms[layer], inputs[0], after)
        moments[layer] = _moments(inputs[0], values)
        if rectifies(values, after):
            rectified.layers.add(layer)

    with eval_mode(model), torch.no_grad(), observe(model, norms, record), rectified:
        model(x.clone())  # a network may change its input in place
    # Whether a ReLU follows shows only after the layer has run.
    relus = rectified.layers
    return {layer: replace(seen, relu=layer in relus) for layer, seen in moments.items()}


def _moments(before: Tensor, values: Tensor) -> BatchMoments:
    over = [dim for dim in range(before.ndim) if dim != 1]
    mean, variance = over_places(before)
    constant = before.amax(over) == before.amin(over)
    return BatchMoments(
        values=before.numel() // before.shape[1],
        mean=array(mean),
        variance=array(variance),
        constant=constant.cpu().numpy(),
        positive=array((values > 0).float().mean(over)),
        relu=False,
    )


def _layer(name: str, norm: BatchNorm, batch: BatchMoments | None) -> BatchNormLayer:
    def values(tensor: Tensor | None, otherwise: float) -> Float64[np.ndarray, " channels"]:
        return np.full(norm.num_features, otherwise) if tensor is None else array(tensor)

    seen = norm.num_batches_tracked
    return BatchNormLayer(
        layer=name,
        gamma=values(norm.weight, 1.0),
        beta=values(norm.bias, 0.0),
        running_mean=values(norm.running_mean, np.nan),
        running_variance=values(norm.running_var, np.nan),
        eps=norm.eps,
        momentum=norm.momentum,
        batches=int(seen) if seen is not None else 0,
        batch=batch,
    )
