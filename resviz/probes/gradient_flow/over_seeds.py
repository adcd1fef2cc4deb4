"""Gradient norms over many seeds: one number says little about a random network, mean and std more.

A seed draws the weights of a `new/...` network and the batch: so a plain network and its residual
twin start from the same numbers and see the same images. Networks with weights of their own differ
by the batch alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from resviz.errors import ProbeError
from resviz.models import zoo
from resviz.models.spec import ModelSpec
from resviz.probes.gradient_flow.batches import Batch
from resviz.probes.gradient_flow.norms import Gradients, gradients
from resviz.progress import Progress
from resviz.tables import Table

# A gradient stays level within a factor of 10; beyond 1000 it explodes or vanishes. Between them
# networks still train, slowly: it grows or shrinks.
LEVEL, MUCH = 10.0, 1000.0
BY_LAYER = ("weight_gradient", "relative")
UNDERFLOW = 1e-290  # norms next to this hide zeros that were too small for float64

__all__ = ["Batch", "Profile", "measure", "norm_table", "seeded", "share_table", "verdict"]


def measure(
    name: str,
    seed: int,
    batch: Batch,
    double: bool = False,
    progress: Progress | None = None,
    details: bool = True,
) -> Gradients:
    """Gradient norms of the named model for one seed; raises what `zoo.load` and `gradients` do."""
    loaded = zoo.load(seeded(name, seed))
    x, targets = batch.draw(seed, loaded.preprocess, len(loaded.labels))
    return gradients(loaded.model, x, targets, double=double, details=details, progress=progress)


def seeded(name: str, seed: int) -> str:
    """The name of a network with its seed moved on by `seed`; names of stored weights stay."""
    if not name.startswith("new/"):
        return name
    spec = ModelSpec.parse(name.removeprefix("new/"))
    return f"new/{replace(spec, seed=spec.seed + seed)}"


@dataclass(frozen=True, slots=True)
class Profile:
    """One network's gradients over seeds. Values are (seeds, layers) or (seeds, blocks)."""

    model: str
    seeds: tuple[Gradients, ...]

    def __post_init__(self) -> None:
        if not self.seeds:
            raise ProbeError("gradients are measured for at least one seed")

    @property
    def layers(self) -> tuple[str, ...]:
        return self.seeds[0].layers

    @property
    def blocks(self) -> tuple[str, ...]:
        return self.seeds[0].blocks

    @property
    def precisions(self) -> tuple[str, ...]:
        """What the numbers were computed in, each once."""
        return tuple(sorted({flow.precision for flow in self.seeds}))

    @property
    def approximate(self) -> bool:
        """Whether rounding errors reach the norms of some seed even in float64."""
        return any(flow.approximate for flow in self.seeds)

    def values(self, quantity: str) -> Float64[np.ndarray, "seeds places"]:
        """`weight_gradient` and `relative` by layer, `block_gradient` and `deviation` by block."""
        return np.stack([getattr(flow, quantity) for flow in self.seeds])

    def places(self, quantity: str) -> tuple[str, ...]:
        """Names of the layers or blocks that `values` stands for."""
        return self.layers if quantity in BY_LAYER else self.blocks

    def depth(self, quantity: str) -> Float64[np.ndarray, " places"]:
        """How many weighted layers have run at each place."""
        if quantity in BY_LAYER:
            return np.arange(1, len(self.layers) + 1, dtype=float)
        return self.seeds[0].depth.astype(float)

    def mean(self, quantity: str) -> Float64[np.ndarray, " places"]:
        return np.asarray(self.values(quantity).mean(0))

    def std(self, quantity: str) -> Float64[np.ndarray, " places"]:
        """Over the seeds, with n - 1; 0 for one seed."""
        values = self.values(quantity)
        if len(values) < 2:
            return np.zeros(values.shape[1])
        largest = np.abs(values).max(0)
        unit = np.where(largest > 0, largest, 1.0)  # squares of 1e200 leave float64
        return np.asarray((values / unit).std(0, ddof=1) * unit)

    def ends(self, quantity: str = "weight_gradient") -> tuple[int, int] | None:
        """Indices of the first and the last place that get anything, None where there are not two.

        Of layers those on the signal's path are compared, the last of which is a convolution.
        """
        count = len(self.places(quantity))
        compared = self.seeds[0].compared if quantity in BY_LAYER else np.arange(count)
        # Networks whose branches start silent have layers whose gradient is exactly zero: over
        # them a ratio would be infinite, though nothing explodes.
        active = compared[self.mean(quantity)[compared] > 0]
        return (int(active[0]), int(active[-1])) if len(active) > 1 else None

    def ratio(self, quantity: str = "weight_gradient") -> float:
        """The mean at the first of `ends` over that at the last, NaN where there are no two."""
        ends = self.ends(quantity)
        if ends is None:
            return float("nan")
        mean = self.mean(quantity)
        with np.errstate(over="ignore"):
            return float(mean[ends[0]] / mean[ends[1]])

    def ratios(self, quantity: str = "weight_gradient") -> tuple[float, ...]:
        """The same ratio for each seed."""
        return tuple(Profile(self.model, (flow,)).ratio(quantity) for flow in self.seeds)

    def share_shortcut(self, direction: str) -> Float64[np.ndarray, "seeds blocks"]:
        """The shortcut's share at each residual block.

        Of the gradient (`backward`) or of the signal (`forward`).
        """
        return np.stack([getattr(flow, direction).share_shortcut for flow in self.seeds])

    @property
    def without_gradient(self) -> tuple[str, ...]:
        """Layers whose gradient is exactly zero for every seed."""
        is_zero = self.mean("weight_gradient") == 0
        return tuple(name for name, zero in zip(self.layers, is_zero, strict=True) if zero)

    @property
    def why_without(self) -> str:
        """Why some layers get no gradient, "" where all get some.

        `classifier`: its weights are zero. `branches`: some add exactly nothing. `underflow`: the
        gradient fades below float64. `blocked`: no signal passes, as behind dead units.
        """
        if not self.without_gradient:
            return ""
        flow = self.seeds[0]
        if flow.weight[-1] == 0:
            return "classifier"
        if (flow.forward.branch == 0).any():
            return "branches"
        gradient = flow.weight_gradient[flow.weight_gradient > 0]
        return "underflow" if gradient.size and gradient.min() < UNDERFLOW else "blocked"


def verdict(ratio: float) -> str:
    """What first over last means towards the input: explodes, grows, level, shrinks or vanishes."""
    bounds = (("explodes", MUCH), ("grows", LEVEL), ("level", 1 / LEVEL), ("shrinks", 1 / MUCH))
    if not ratio >= 0:
        return "undefined"
    return next((name for name, least in bounds if ratio >= least), "vanishes")


def norm_table(profiles: Sequence[Profile], quantity: str) -> Table:
    """Mean and standard deviation over the seeds, a row for each place of each network."""
    rows = []
    for profile in profiles:
        columns = profile.depth(quantity), profile.mean(quantity), profile.std(quantity)
        for place, *numbers in zip(profile.places(quantity), *columns, strict=True):
            rows.append((profile.model, place, *map(float, numbers)))
    return Table(("model", "place", "depth", "mean", "std"), tuple(rows))


def share_table(profiles: Sequence[Profile]) -> Table:
    """The shortcut's share of gradient and signal, median over the seeds, a row for each block."""
    rows = []
    for profile in profiles:
        blocks = profile.seeds[0].backward.blocks
        medians = [
            np.median(profile.share_shortcut(direction), axis=0)
            for direction in ("backward", "forward")
        ]
        for block, *shares in zip(blocks, *medians, strict=True):
            rows.append((profile.model, block, *map(float, shares)))
    columns = ("model", "block", "gradient through shortcut", "signal through shortcut")
    return Table(columns, tuple(rows))
