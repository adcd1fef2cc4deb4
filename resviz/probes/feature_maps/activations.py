"""What a layer sees, channel by channel, and what each channel contributes to a class."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn

from resviz.probes.core.class_graph import ClassGraph
from resviz.probes.core.entry import probe
from resviz.probes.core.hooks import eval_mode, observe, once, outputs
from resviz.probes.core.layers import blocks
from resviz.probes.core.maps import check_spatial, map_of
from resviz.probes.core.statistics import ChannelSums, channel_sums, means_and_stds
from resviz.probes.feature_maps.residual import ResidualParts, residual_parts
from resviz.tables import Table

__all__ = [
    "Activation",
    "Moments",
    "ResidualParts",
    "activations",
    "blocks",
    "gradient_times_activation",
    "moments",
    "residual_parts",
    "stage_summary",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Activation:
    """A layer's output for one image; of each channel its mean, std, share of zeros and range."""

    layer: str
    values: Float32[np.ndarray, "channels height width"]
    mean: Float32[np.ndarray, " channels"]
    std: Float32[np.ndarray, " channels"]
    zeros: Float32[np.ndarray, " channels"]
    maximum: Float32[np.ndarray, " channels"]
    minimum: Float32[np.ndarray, " channels"]

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, height, width."""
        return self.values.shape

    @property
    def dead(self) -> Int[np.ndarray, " dead"]:
        """Indices of the channels that are zero everywhere in this image."""
        return np.flatnonzero((self.minimum == 0) & (self.maximum == 0))

    def peak(self, channel: int) -> tuple[int, int]:
        """Row and column of the channel's largest value, the first one of several."""
        row, column = divmod(int(self.values[channel].argmax()), self.values.shape[2])
        return row, column

    def table(self) -> Table:
        """The statistics, one row a channel."""
        columns = (self.mean, self.std, self.minimum, self.maximum, self.zeros)
        rows = zip(range(len(self.mean)), *(column.tolist() for column in columns), strict=True)
        names = ("channel", "mean", "std", "minimum", "maximum", "share of zeros")
        return Table(names, tuple(rows))


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and standard deviation (over all cells) of each channel of a layer for one image."""

    layer: str
    mean: Float32[np.ndarray, " channels"]
    std: Float32[np.ndarray, " channels"]


@probe
def activations(
    model: nn.Module, x: Float[Tensor, "1 c h w"], layers: Iterable[str]
) -> dict[str, Activation]:
    """Record what `layers` see, from one forward pass in evaluation mode.

    Args:
        model: any network; it is left as it was.
        x: one preprocessed image, (1, channels, height, width).
        layers: names of modules whose output is a map, as `resviz.layers` lists them.

    Returns:
        Layer -> `Activation`: `values` (channels, height, width) as they were before anything
        changed them in place; per channel `mean`, `std`, `minimum`, `maximum` and the share of
        `zeros`, (channels,) each; `dead`, the channels that are zero everywhere.

    Raises:
        ProbeError: for an unknown layer, or one that does not run or whose output is no map.

    Example:
        >>> import resviz, torch
        >>> model = resviz.load("new/residual-8").model
        >>> seen = resviz.activations(model, torch.zeros(1, 3, 32, 32), ["layer2"])["layer2"]
        >>> seen.shape
        (32, 16, 16)

    Reference:
        Yosinski et al. 2015 (1506.06579), section 2: visualizing live activations.
    """
    names = tuple(layers)
    seen = outputs(model, x, names)
    maps = {name: map_of(model, name, seen.get(name), x.shape[2:])[0].float() for name in names}
    return {name: _activation(name, values) for name, values in maps.items()}


@probe
def moments(
    model: nn.Module, x: Float[Tensor, "1 c h w"], layers: Iterable[str]
) -> dict[str, Moments]:
    """Mean and std of every channel of `layers`, from one forward, without keeping the outputs."""
    by_layer = _while_running(model, x, layers, lambda output: channel_sums(output.float()))
    # Layers that hand on one tensor share its sums, which are worked out once.
    distinct = list({id(sums): sums for sums in by_layer.values()}.values())
    if not distinct:
        return {}
    means, stds = means_and_stds(distinct)
    places = _places(distinct)
    return {
        name: Moments(name, means[places[id(sums)]], stds[places[id(sums)]])
        for name, sums in by_layer.items()
    }


def _places(sums: list[ChannelSums]) -> dict[int, slice]:
    """Where each one's channels lie in the row of all channels."""
    ends = np.cumsum([len(one.mean) for one in sums])
    return {id(one): slice(end - len(one.mean), end) for one, end in zip(sums, ends, strict=True)}


@probe
def stage_summary(
    model: nn.Module, x: Float[Tensor, "1 c h w"], layers: Iterable[str]
) -> dict[str, Float32[np.ndarray, "_height _width"]]:
    """Mean over the channels of each layer, (height, width), from one forward."""
    means = _while_running(model, x, layers, lambda output: output.float().mean(0))
    return {name: mean.cpu().numpy() for name, mean in means.items()}


@probe
def gradient_times_activation(
    model: nn.Module, x: Float[Tensor, "1 c h w"], layer: str, target: int
) -> Float[np.ndarray, " channels"]:
    """Estimate to first order what each channel of a layer contributes to a class.

    For the score y of the class and the layer's output a: sum_ij a_ij dy/da_ij of each channel.

    Args:
        model: a classifier: one image in, one row of class scores out.
        x: one preprocessed image, (1, channels, height, width).
        layer: the name of a module whose output is a map.
        target: the index of the class.

    Returns:
        One number a channel, (channels,), in units of the score.

    Raises:
        ProbeError: for an unknown layer, one that does not run or whose output is no map, a class
            that is not there, and a model that is no classifier.

    Example:
        >>> import resviz, torch
        >>> model = resviz.load("new/residual-8").model
        >>> resviz.gradient_times_activation(model, torch.zeros(1, 3, 32, 32), "layer3", 2).shape
        (64,)

    Reference:
        Shrikumar et al. 2016 (1605.01713), section 2;
        Molchanov et al. 2017 (1611.06440), section 2.2.
    """
    graph = ClassGraph(model, x, (layer,))
    products = graph.activation(layer).float() * graph.gradient(layer, target).float()
    return products.sum((1, 2)).cpu().numpy()


def _while_running(
    model: nn.Module, x: Tensor, layers: Iterable[str], function: Callable[[Tensor], T]
) -> dict[str, T]:
    """`function` of each layer's output, (channels, height, width), taken when it appears."""
    names = tuple(layers)
    results: dict[str, T] = {}
    sides = x.shape[2:]
    value = once(lambda output: function(map_of(model, "", output, sides)[0]))

    def record(layer: str, _inputs: object, output: object) -> None:
        results[layer] = value(check_spatial(model, layer, output))

    with eval_mode(model), torch.no_grad(), observe(model, names, record):
        model(x)
    for name in names:
        if name not in results:
            check_spatial(model, name, None)
    return {name: results[name] for name in names}


def _activation(layer: str, values: Float[Tensor, "channels height width"]) -> Activation:
    flat = values.flatten(1)  # (channels, cells)
    mean, std = means_and_stds([channel_sums(values)])
    zeros = (flat == 0).float().mean(1)
    # Both ends apart take a fifth of the time of `torch.aminmax`.
    highest, lowest = flat.amax(1), flat.amin(1)
    arrays = (part.cpu().numpy() for part in (zeros, highest, lowest))
    return Activation(layer, values.cpu().numpy(), mean, std, *arrays)
