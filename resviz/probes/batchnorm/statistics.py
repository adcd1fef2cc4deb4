"""BatchNorm opened: what each layer holds, and how far a batch lies from it (Ioffe and Szegedy 2015, 1502.03167).

A layer computes y = gamma * (x - mean) / sqrt(variance + eps) + beta per channel: with the batch's
mean and variance while it trains (Algorithm 1), with running averages of them afterwards (Algorithm
2). Where a batch differs from what was averaged, x comes out neither centred nor scaled; the
distances below say how far.

The batch's numbers are computed here from what flows into the layer, in evaluation mode: nothing is
updated.
"""

from dataclasses import dataclass

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
    relus_after,
)
from resviz.probes.core.hooks import Record, eval_mode, observe
from resviz.probes.core.statistics import over_places

NEAR_ZERO = 0.01  # a gamma below this shows a hundredth of what a fresh one does
BINS = 60


@dataclass(frozen=True, slots=True)
class BatchMoments:
    """What flows through one layer for a batch, over images and places: `values` numbers in each channel.

    `variance` is the biased one (divided by n), which the layer uses while it trains. `constant`:
    all values are the same. `positive` is the share of outputs above zero; `relu`: a ReLU receives
    them as they are.
    """

    values: int
    mean: Float64[np.ndarray, " channels"]
    variance: Float64[np.ndarray, " channels"]
    constant: Bool[np.ndarray, " channels"]
    positive: Float64[np.ndarray, " channels"]
    relu: bool


@dataclass(frozen=True, slots=True)
class BatchNormLayer:
    """One layer, its values per channel; `batch` is None without images or where the layer did not run.

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
        """(batch mean - running mean) / sqrt(running variance + eps): the mean of x_hat, 0 where nothing drifted."""
        return np.asarray(
            (self._seen.mean - self.running_mean) / np.sqrt(self.running_variance + self.eps)
        )

    @property
    def log_ratio(self) -> Float64[np.ndarray, " channels"]:
        """ln((batch variance + eps) / (running variance + eps)): 0 where nothing drifted, 0.69 where it doubled."""
        return np.asarray(
            np.log((self._seen.variance + self.eps) / (self.running_variance + self.eps))
        )

    @property
    def divergence(self) -> Float64[np.ndarray, " channels"]:
        """KL(p|q) + KL(q|p) of the Gaussians with the batch's and with the running mean and variance, in nats.

        (r + 1/r - 2 + d^2 (1 + 1/r)) / 2 with d the shift and r the ratio of variances (Jeffreys
        1946).
        """
        ratio, shift = np.exp(self.log_ratio), self.shift
        return np.asarray((ratio + 1 / ratio - 2 + shift**2 * (1 + 1 / ratio)) / 2)

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
        """Channels whose output is never positive in this batch and goes into a ReLU: zeros are all that remains."""
        return np.flatnonzero((self._seen.positive == 0) & self._seen.relu)

    @property
    def scale(self) -> Float64[np.ndarray, " channels"]:
        """gamma / sqrt(running variance + eps): what the layer multiplies with once it is folded."""
        return self.gamma / np.sqrt(self.running_variance + self.eps)

    @property
    def _seen(self) -> BatchMoments:
        if self.batch is None:
            raise ProbeError(
                "No image went through {layer}; give one to compare with.", layer=self.layer
            )
        return self.batch


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values lie between neighbouring edges, and between which mean and variance."""

    edges: Float64[np.ndarray, " edges"]
    counts: Int[np.ndarray, " bins"]
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class ChannelValues:
    """One channel before and after its BatchNorm, and after the ReLU where one follows directly."""

    layer: str
    channel: int
    before: Histogram
    after: Histogram
    rectified: Histogram | None


def batchnorm(
    model: nn.Module, x: Float[Tensor, "n c h w"] | None = None
) -> tuple[BatchNormLayer, ...]:
    """Every BatchNorm layer as it is stored, and for images `x` what flows through it, from one forward.

    Of a layer that runs more than once the last run counts. Raises `ProbeError` for a model without
    BatchNorm and for images with values that are not numbers.
    """
    norms = batch_norms(model)
    moments: dict[str, tuple[Tensor, ...]] = {}
    relus: set[str] = set()
    if x is not None:
        check_images(x)
        relus = _run(
            model,
            x,
            norms,
            lambda layer, inputs, after: moments.update({layer: _moments(inputs[0], after)}),
        )
    return tuple(
        _layer(name, norm, moments.get(name), name in relus) for name, norm in norms.items()
    )


def channel_values(
    model: nn.Module, x: Float[Tensor, "n c h w"], layer: str, channel: int
) -> ChannelValues:
    """Histograms of one channel around `layer`; raises `ProbeError` for a layer or channel that is not there."""
    norms, found = batch_norms(model), {}
    if layer not in norms:
        raise ProbeError(
            "{layer} is no BatchNorm layer of this model; choose one such as {example}.",
            layer=layer,
            example=next(iter(norms)),
        )
    if not 0 <= channel < norms[layer].num_features:
        raise ProbeError(
            "{layer} has no channel {channel}; choose one from 0 to {last}.",
            layer=layer,
            channel=channel,
            last=norms[layer].num_features - 1,
        )
    check_images(x)

    def keep(_layer: str, inputs: tuple[Tensor], after: Tensor) -> None:
        before = inputs[0]
        found["before"], found["after"] = array(before[:, channel]), array(after[:, channel])

    relus = _run(model, x, {layer: norms[layer]}, keep)
    if not found:
        raise ProbeError(
            "{layer} does not run when the model looks at an image; choose another layer.",
            layer=layer,
        )
    before, after = found["before"], found["after"]
    rectified = _histogram(after.clip(0)) if layer in relus else None
    return ChannelValues(layer, channel, _histogram(before), _histogram(after), rectified)


def _run(
    model: nn.Module,
    x: Tensor,
    norms: dict[str, BatchNorm],
    record: Record,
) -> set[str]:
    """Run the model in evaluation mode; returns the layers whose output a ReLU receives."""
    with (
        eval_mode(model),
        torch.no_grad(),
        relus_after(model, norms) as relus,
        observe(model, norms, record),
    ):
        model(x)
    return relus


def _moments(before: Tensor, after: Tensor) -> tuple[Tensor, ...]:
    """Mean, biased variance, whether constant, and share of positive outputs: (channels,) each, and the count."""
    over = [d for d in range(before.ndim) if d != 1]
    mean, variance = over_places(before)
    constant = before.amax(over) == before.amin(over)
    count = torch.tensor(before.numel() // before.shape[1])
    return mean, variance, constant, (after > 0).float().mean(over), count


def _layer(
    name: str, norm: BatchNorm, moments: tuple[Tensor, ...] | None, relu: bool
) -> BatchNormLayer:
    def values(tensor: Tensor | None, otherwise: float) -> Float64[np.ndarray, " channels"]:
        return np.full(norm.num_features, otherwise) if tensor is None else array(tensor)

    batch = None
    if moments is not None:
        mean, variance, constant, positive, count = moments
        batch = BatchMoments(
            int(count), array(mean), array(variance), constant.cpu().numpy(), array(positive), relu
        )
    seen = norm.num_batches_tracked
    return BatchNormLayer(
        name,
        values(norm.weight, 1.0),
        values(norm.bias, 0.0),
        values(norm.running_mean, np.nan),
        values(norm.running_var, np.nan),
        norm.eps,
        norm.momentum,
        int(seen) if seen is not None else 0,
        batch,
    )


def _histogram(values: np.ndarray) -> Histogram:
    low, high = float(values.min()), float(values.max())
    margin = max(0.5, abs(low) * 1e-9) if low == high else 0.0
    counts, edges = np.histogram(values, BINS, (low - margin, high + margin))
    return Histogram(edges, counts, float(values.mean()), float(values.var()))
