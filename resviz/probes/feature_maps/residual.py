"""How a residual block splits its output between shortcut and branch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from torch import Tensor, nn

from resviz.errors import ProbeError, Sentence
from resviz.models.architectures.blocks import Block
from resviz.probes.core.entry import probe
from resviz.probes.core.hooks import outputs, resolve
from resviz.probes.core.maps import map_of

PARTS = ("shortcut", "branch", "add")


@dataclass(frozen=True, slots=True)
class ResidualParts:
    """The summands of y = F(x) + x before the last activation (He et al. 2015), and their norms."""

    block: str
    shortcut: Float32[np.ndarray, "channels height width"]
    branch: Float32[np.ndarray, "channels height width"]
    total: Float32[np.ndarray, "channels height width"]
    norm_shortcut: float
    norm_branch: float
    norm_total: float

    @property
    def share_branch(self) -> float:
        """||F|| / (||x|| + ||F||): 0 where a block passes its input on, 1 where it starts anew."""
        both = self.norm_shortcut + self.norm_branch
        return self.norm_branch / both if both else 0.0

    def of_channel(self, channel: int) -> "ResidualParts":
        """The same of one channel alone, (1, height, width)."""
        parts = (self.shortcut, self.branch, self.total)
        return _parts(self.block, [part[channel : channel + 1] for part in parts])


@probe
def residual_parts(model: nn.Module, x: Float[Tensor, "1 c h w"], block: str) -> ResidualParts:
    """Take the output of a residual block apart: y = F(x) + x, before the last activation.

    Args:
        model: a network of resviz's own blocks.
        x: one preprocessed image, (1, channels, height, width).
        block: the name of a residual block, as `resviz.blocks` lists it.

    Returns:
        A `ResidualParts`: `shortcut` (x, projected where shapes change), `branch` (F(x)) and
        `total`, their sum, (channels, height, width) each; their L2 norms; and `share_branch`,
        ||F|| / (||x|| + ||F||).

    Raises:
        ProbeError: for an unknown block, a plain one, and one of another library.

    Example:
        >>> import resviz, torch
        >>> model = resviz.load("new/residual-8").model
        >>> parts = resviz.residual_parts(model, torch.zeros(1, 3, 32, 32), "layer2.0")
        >>> bool((parts.shortcut + parts.branch == parts.total).all())
        True

    Reference:
        He et al. 2015 (1512.03385), section 3.2, eqns. 1 and 2.
    """
    _check_residual(model, block)
    names = [f"{block}.{part}" for part in PARTS]
    seen = outputs(model, x, names)
    maps = [map_of(model, name, seen.get(name), x.shape[2:])[0].float() for name in names]
    return _parts(block, [values.cpu().numpy() for values in maps])


def _parts(block: str, maps: Sequence[np.ndarray]) -> ResidualParts:
    shortcut, branch, total = maps
    return ResidualParts(block, shortcut, branch, total, *map(_norm, maps))


def _norm(values: np.ndarray) -> float:
    return float(np.linalg.norm(values.astype(np.float64)))  # squares of float32 may overflow


def _check_residual(model: nn.Module, block: str) -> None:
    module = resolve(model, block)
    if all(hasattr(module, part) for part in PARTS):
        return
    if isinstance(module, Block):
        raise ProbeError(
            "{block} is a plain block and has no shortcut; choose a residual network", block=block
        )
    raise ProbeError(
        "{block} is no residual block that can be taken apart; {way_out}",
        block=block,
        way_out=_way_out(model),
    )


def _way_out(model: nn.Module) -> Sentence:
    """A residual block of this network, or the advice to take another network."""
    for name, module in model.named_modules():
        if isinstance(module, Block) and hasattr(module, "add"):
            return Sentence("choose a block such as {residual}", residual=name)
    return Sentence("choose one of resviz's residual networks")
