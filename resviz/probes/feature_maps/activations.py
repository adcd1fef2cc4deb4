"""What a layer sees: its output channel by channel, and how a residual block splits it between shortcut and branch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn

from resviz.errors import ProbeError, Sentence
from resviz.models.architectures.blocks import Block
from resviz.probes.attribution.grad_cam import CamGraph
from resviz.probes.core.hooks import eval_mode, observe, once, outputs, resolve
from resviz.probes.core.layers import blocks, check_spatial
from resviz.probes.core.statistics import channel_sums, means_and_stds

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
    """A layer's output for one image; over all cells of each channel its mean, deviation, share of zeros and range."""

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


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and standard deviation (over all cells) of each channel of a layer for one image."""

    layer: str
    mean: Float32[np.ndarray, " channels"]
    std: Float32[np.ndarray, " channels"]


@dataclass(frozen=True, slots=True)
class ResidualParts:
    """The two summands of y = F(x) + x (He et al. 2015, eqn. 1), before the last activation, and their L2 norms."""

    block: str
    shortcut: Float32[np.ndarray, "channels height width"]
    branch: Float32[np.ndarray, "channels height width"]
    total: Float32[np.ndarray, "channels height width"]
    norm_shortcut: float
    norm_branch: float
    norm_total: float

    @property
    def share_branch(self) -> float:
        """||F|| / (||x|| + ||F||): 0 where a block passes its input on, 1 where it starts anew (0 / 0 is 0)."""
        both = self.norm_shortcut + self.norm_branch
        return self.norm_branch / both if both else 0.0


def activations(
    model: nn.Module, x: Float[Tensor, "1 c h w"], layers: Iterable[str]
) -> dict[str, Activation]:
    """What `layers` see, from one forward; raises `ProbeError` for an unknown layer or one without spatial output."""
    names = tuple(layers)
    seen = outputs(model, x, names)
    return {
        name: _activation(name, check_spatial(model, name, seen.get(name))[0].float())
        for name in names
    }


def moments(
    model: nn.Module, x: Float[Tensor, "1 c h w"], layers: Iterable[str]
) -> dict[str, Moments]:
    """Mean and deviation of every channel of `layers`, from one forward, without keeping the outputs."""
    found = _while_running(model, x, layers, lambda output: channel_sums(output.float()))
    sums = list(
        {id(sums): sums for sums in found.values()}.values()
    )  # layers that hand on one tensor share them
    if not sums:
        return {}
    means, stds = means_and_stds(sums)
    ends = np.cumsum([len(one.mean) for one in sums])
    at = {id(one): slice(end - len(one.mean), end) for one, end in zip(sums, ends, strict=True)}
    return {
        name: Moments(name, means[at[id(one)]], stds[at[id(one)]]) for name, one in found.items()
    }


def stage_summary(
    model: nn.Module, x: Float[Tensor, "1 c h w"], layers: Iterable[str]
) -> dict[str, Float32[np.ndarray, "_height _width"]]:
    """Mean over the channels of each layer, (height, width), from one forward, without keeping the outputs."""
    found = _while_running(model, x, layers, lambda output: output.float().mean(0))
    return {name: _array(mean) for name, mean in found.items()}


def gradient_times_activation(
    model: nn.Module, x: Float[Tensor, "1 c h w"], layer: str, target: int
) -> Float[np.ndarray, " channels"]:
    """sum_ij a_ij dy/da_ij of each channel for the score y of class `target`: what it contributes, to first order.

    Raises what `CamGraph` raises.
    """
    graph = CamGraph(model, x, (layer,))
    return _array(
        (graph.activation(layer).float() * graph.gradient(layer, target).float()).sum((1, 2))
    )


def residual_parts(model: nn.Module, x: Float[Tensor, "1 c h w"], block: str) -> ResidualParts:
    """Shortcut, branch and sum of one of our residual blocks; raises `ProbeError` for anything else."""
    _check_residual(model, block)
    names = [f"{block}.{part}" for part in ("shortcut", "branch", "add")]
    seen = outputs(model, x, names)
    parts = [check_spatial(model, name, seen.get(name))[0].float() for name in names]
    shortcut, branch, total = (_array(part) for part in parts)
    return ResidualParts(block, shortcut, branch, total, *map(_norm, (shortcut, branch, total)))


def _norm(values: np.ndarray) -> float:
    return float(np.linalg.norm(values.astype(np.float64)))  # squares of float32 may overflow


def _check_residual(model: nn.Module, block: str) -> None:
    module = resolve(model, block)
    if all(hasattr(module, part) for part in ("shortcut", "branch", "add")):
        return
    if isinstance(module, Block):
        raise ProbeError(
            "{block} is a plain block and has no shortcut; choose a residual network", block=block
        )
    residual = next(
        (name for name, m in model.named_modules() if isinstance(m, Block) and hasattr(m, "add")),
        "",
    )
    example = Sentence("choose a block such as {residual}", residual=residual)
    way_out = example if residual else Sentence("choose one of resviz's residual networks")
    raise ProbeError(
        "{block} is no residual block that can be taken apart; {way_out}",
        block=block,
        way_out=way_out,
    )


def _while_running(
    model: nn.Module, x: Tensor, layers: Iterable[str], function: Callable[[Tensor], T]
) -> dict[str, T]:
    """`function` of each layer's output, (channels, height, width), taken when it appears."""
    names = tuple(layers)
    found: dict[str, T] = {}
    value = once(lambda output: function(output[0]))

    def record(layer: str, _inputs: object, output: object) -> None:
        found[layer] = value(check_spatial(model, layer, output))

    with eval_mode(model), torch.no_grad(), observe(model, names, record):
        model(x)
    for name in names:
        if name not in found:
            check_spatial(model, name, None)
    return {name: found[name] for name in names}


def _activation(layer: str, values: Float[Tensor, "channels height width"]) -> Activation:
    flat = values.flatten(1)  # (channels, cells)
    mean, std = means_and_stds([channel_sums(values)])
    zeros = (flat == 0).float().mean(1)
    ends = flat.amax(1), flat.amin(1)  # 5 times as fast as aminmax
    return Activation(
        layer, _array(values), mean, std, _array(zeros), *(_array(end) for end in ends)
    )


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()
