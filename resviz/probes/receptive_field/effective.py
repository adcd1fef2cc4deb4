"""The effective receptive field: how much of what a unit could see really moves it.

The squared gradient of a unit by each pixel, averaged over inputs, over the layer's channels and
over the image's. A random sign for each channel of the layer, and one backward pass in place of
many, do the average over channels without bias, because products of different channels cancel. The
network runs only as deep as the layer, and only on the pixels that the unit can see (`crop`): the
numbers stay the same, to the last bit where torch takes the same routine for both sizes.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod, sqrt

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.core.entry import probe
from resviz.probes.receptive_field.crop import Box, Plan, Planner, Unit
from resviz.probes.receptive_field.follow import Followed, follow
from resviz.probes.receptive_field.gradient import Sampling, energies
from resviz.probes.receptive_field.spread import (
    SHARES,
    areas,
    gaussian_width,
    standard_deviation,
)
from resviz.progress import Progress, silent

__all__ = [
    "INPUTS",
    "SHARES",
    "EffectiveField",
    "areas",
    "effective_receptive_field",
    "effective_receptive_fields",
    "gaussian_width",
    "noise",
]

INPUTS = 4  # noise pictures, where nothing else is said


@dataclass(frozen=True, slots=True)
class EffectiveField:
    """What moves a unit of a layer.

    Attributes:
        layer: The layer.
        unit: Row and column of the unit.
        energy: Each pixel's share of the squared gradient; they sum to 1.
        theoretical: Height and width of the pixels that the unit could see.
        areas: So many pixels, the strongest first, hold 50, 95 and 99.7 % (`SHARES`).
        widths: Standard deviation along height and width of a Gaussian fitted to the energy, in
            pixels.
    """

    layer: str
    unit: Unit
    energy: Float32[np.ndarray, "height width"]
    theoretical: tuple[int, int]
    areas: tuple[int, int, int]
    widths: tuple[float, float]

    @property
    def deviations(self) -> tuple[float, float]:
        """Standard deviations of the energy itself along height and width, in pixels."""
        rows, columns = self.energy.sum(1, dtype=np.float64), self.energy.sum(0, dtype=np.float64)
        return standard_deviation(rows), standard_deviation(columns)

    @property
    def size(self) -> float:
        """Side of a square as large as the area that holds 95 %, in pixels."""
        return sqrt(self.areas[1])

    @property
    def ratio(self) -> float:
        """`size` over the side of a square as large as the theoretical field."""
        return self.size / sqrt(prod(self.theoretical))


@probe
def effective_receptive_field(
    model: nn.Module,
    x: Float[Tensor, "n c h w"],
    layer: str,
    unit: Unit | None = None,
    *,
    draws: int = 1,
    batch: int = 8,
    seed: int = 0,
    crop: bool = True,
) -> EffectiveField:
    """Measure which pixels move one unit of a layer.

    The energy of pixel p, for the channels y_c of the unit and the channels x_pk of the pixel, is

        E_p = mean over inputs and c of  sum over k of (d y_c / d x_pk)^2

    divided by its sum over p.

    Args:
        model: Any network of images; it is left as it was.
        x: The inputs, as the network receives them: (n, channels, height, width).
        layer: Name of a layer with a map.
        unit: Row and column in that map; by default the unit in the middle.
        draws: Random signs for each input; 16 or more for one photo.
        batch: Inputs that are run at a time.
        seed: Of the signs.
        crop: Run only the pixels that the unit sees; the numbers are the same without.

    Returns:
        The energy, (height, width) in shares of 1, and sizes in pixels.

    Raises:
        ProbeError: As `receptive_field`; for a unit outside the map, and one that no pixel moves.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1))
        >>> field = effective_receptive_field(net, noise(2, 16), "1")
        >>> field.unit, field.theoretical, field.energy.shape
        ((8, 8), (5, 5), (16, 16))

    Reference:
        Luo et al. 2016, "Understanding the Effective Receptive Field in Deep Convolutional Neural
        Networks", section 2.
    """
    sides = (x.shape[-2], x.shape[-1])
    planner = Planner(model, _followed(model, [layer], sides), sides)
    plan = planner.plan(layer, unit, crop=crop)
    energy = energies(model, x, [plan], Sampling(draws, batch, seed))[layer]
    field = _field(plan, energy)
    if field is None:
        row, column = plan.unit
        raise ProbeError(
            "no pixel moves the unit in row {row}, column {column} of {layer}: its gradient is zero"
            " everywhere or not finite; choose another unit, layer or picture",
            row=row,
            column=column,
            layer=layer,
        )
    return field


@probe
def effective_receptive_fields(
    model: nn.Module,
    x: Float[Tensor, "n c h w"],
    layers: Iterable[str] | None = None,
    unit: Unit | None = None,
    *,
    draws: int = 1,
    batch: int = 4,
    seed: int = 0,
    progress: Progress = silent,
) -> dict[str, EffectiveField | None]:
    """The fields of that unit, or the middle one, of `layers`, or of all.

    None stands for a unit that no pixel moves. Layers that see the whole image share one forward
    pass. Raises what `receptive_field` raises.
    """
    sides = (x.shape[-2], x.shape[-1])
    asked = None if layers is None else list(layers)
    followed = _followed(model, asked, sides)
    planner = Planner(model, followed, sides)
    names = [name for name in followed.maps if asked is None or name in asked]
    plans = [planner.plan(name, unit) for name in names]
    fields: dict[str, EffectiveField | None] = {}
    how = Sampling(draws, batch, seed)
    for members in _by_box(plans):
        before, share = len(fields) / len(plans), len(members) / len(plans)
        measured = energies(model, x, members, how, partial(_report, progress, before, share))
        fields |= {plan.layer: _field(plan, measured[plan.layer]) for plan in members}
    return {plan.layer: fields[plan.layer] for plan in plans}


def _by_box(plans: Iterable[Plan]) -> Iterable[list[Plan]]:
    """Plans that run the same pixels, together."""
    together: dict[Box, list[Plan]] = defaultdict(list)
    for plan in plans:
        together[plan.box].append(plan)
    return together.values()


def _followed(model: nn.Module, layers: Sequence[str] | None, sides: tuple[int, int]) -> Followed:
    """The fields of all layers; raises what `receptive_field` raises for those asked for."""
    try:
        followed = follow(model, None, sides)
    except ProbeError:
        if layers is None:
            raise
        return follow(model, layers, sides)
    if layers is None or all(layer in followed.maps for layer in layers):
        return followed
    # a second name of a layer, or one that is refused
    asked = follow(model, layers, sides)
    return Followed(followed.maps | asked.maps, followed.runs | asked.runs)


def _report(progress: Progress, before: float, share: float, done: float) -> None:
    """Report the share of all work, from that of a part."""
    progress(before + share * done)


def noise(n: int, side: int, seed: int = 0) -> Float[Tensor, "n 3 side side"]:
    """Independent normal pixels: inputs that prefer no place."""
    return torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


def _field(plan: Plan, energy: Float64[np.ndarray, "height width"]) -> EffectiveField | None:
    """None where there is no energy, or where it is too large for numbers."""
    total = energy.sum()
    if not 0 < total < np.inf:
        return None
    share = energy / total
    widths = gaussian_width(share.sum(1)), gaussian_width(share.sum(0))
    energy32 = share.astype(np.float32)
    return EffectiveField(plan.layer, plan.unit, energy32, plan.theoretical, areas(share), widths)
