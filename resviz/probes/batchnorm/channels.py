"""The values of one channel before and after its BatchNorm, as histograms."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.layers import array, batch_norm, check_images, normalised, rectifies
from resviz.probes.batchnorm.tracking import Rectified
from resviz.probes.core.entry import probe
from resviz.probes.core.hooks import eval_mode, observe

BINS = 60  # a bar of some five pixels where three histograms share a page


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values lie between neighbouring edges, with their mean and biased variance."""

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


@probe
def channel_values(
    model: nn.Module, x: Float[Tensor, "n c h w"], layer: str, channel: int
) -> ChannelValues:
    """Count the values of one channel around `layer`, over all images and places.

    Raises:
        ProbeError: there is no such layer or channel, the layer does not run, or the images hold
            values that are not numbers.
    """
    norm = batch_norm(model, layer)
    _check_channel(layer, channel, norm.num_features)
    check_images(x)
    rectified = Rectified()
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    def record(layer: str, inputs: tuple[Tensor], output: Tensor) -> None:
        rectified.sources.follow(layer, output)
        after = normalised(norm, inputs[0], output)
        seen.append((array(inputs[0][:, channel]), array(after[:, channel])))
        if rectifies(after, output):
            rectified.layers.add(layer)

    with eval_mode(model), torch.no_grad(), observe(model, [layer], record), rectified:
        model(x.clone())  # a network may change its input in place
    if not seen:
        raise does_not_run(layer)
    # Of a layer that runs more than once the last run counts.
    before, after = seen[-1]
    has_relu = layer in rectified.layers
    return ChannelValues(
        layer,
        channel,
        before=_histogram(before),
        after=_histogram(after),
        rectified=_histogram(after.clip(0)) if has_relu else None,
    )


def does_not_run(layer: str) -> ProbeError:
    """What is said of a layer that no image passes."""
    return ProbeError(
        "{layer} does not run when the model looks at an image; choose another layer.",
        layer=layer,
    )


def _check_channel(layer: str, channel: int, channels: int) -> None:
    if not 0 <= channel < channels:
        raise ProbeError(
            "{layer} has no channel {channel}; choose one from 0 to {last}.",
            layer=layer,
            channel=channel,
            last=channels - 1,
        )


def _histogram(values: np.ndarray) -> Histogram:
    low, high = float(values.min()), float(values.max())
    # Equal values would make bins of no width.
    margin = max(0.5, abs(low) * 1e-9) if low == high else 0.0
    counts, edges = np.histogram(values, BINS, (low - margin, high + margin))
    return Histogram(
        edges,
        counts,
        float(values.mean()),
        float(values.var()),
    )
