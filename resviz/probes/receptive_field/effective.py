"""The effective receptive field: how much of what a unit could see really moves it.

Luo et al. 2016, "Understanding the Effective Receptive Field in Deep Convolutional Neural
Networks", section 2: the squared gradient of a unit in the middle of the map by each pixel,
averaged over inputs. Over a layer's channels and the image's it is averaged too; a random sign for
each channel of the layer and one backward pass in place of many do that without bias, because
products of different channels cancel. The network runs only as deep as the layer, and only on the
pixels that the unit can see, cut out where the strides' grid allows: the numbers stay the same, to
the last bit where torch takes the same routine for pictures of both sizes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from math import prod, sqrt

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.core.hooks import eval_mode, observe
from resviz.probes.receptive_field.axis import Axis
from resviz.probes.receptive_field.theoretical import Followed, follow
from resviz.probes.receptive_field.tracing.tensor import Seen
from resviz.progress import Progress, silent

SHARES = (0.5, 0.95, 0.997)
INPUTS = 4  # noise pictures, where nothing else is said
Unit = tuple[int, int]
Box = tuple[int, int, int, int]  # top, bottom, left, right


@dataclass(frozen=True, slots=True)
class EffectiveField:
    """What moves the unit (row, column) of a layer.

    `energy`: each pixel's share of the squared gradient; they sum to 1. `theoretical`: height and
    width of the pixels that the unit could see. `areas`: so many pixels, the strongest first, hold
    50, 95 and 99.7 % (`SHARES`). `widths`: standard deviation along height and width of a Gaussian
    fitted to the energy, in pixels.
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
        return _deviation(self.energy.sum(1, dtype=np.float64)), _deviation(
            self.energy.sum(0, dtype=np.float64)
        )

    @property
    def size(self) -> float:
        """Side of a square as large as the area that holds 95 %, in pixels."""
        return sqrt(self.areas[1])

    @property
    def ratio(self) -> float:
        """`size` over the side of a square as large as the theoretical field."""
        return self.size / sqrt(prod(self.theoretical))


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
    """The field of one unit, by default that in the middle of the map, over the inputs `x`.

    Inputs are run `batch` at a time; each gives `draws` random signs, for one photo 16 or more.
    `crop=False` runs the whole image, for the same numbers. Raises what `receptive_field` raises,
    and `ProbeError` for a unit outside the map and one that no pixel moves.
    """
    sides = (x.shape[-2], x.shape[-1])
    plan = _plan(follow(model, [layer], sides), layer, unit, sides, crop)
    energy = _energies(model, x, [plan], _Sampling(draws, batch, seed), silent)[layer]
    found = _field(plan, energy)
    if found is None:
        i, j = plan.unit
        raise ProbeError(
            "no pixel moves the unit in row {row}, column {column} of {layer}: its gradient is zero everywhere "
            "or not finite; choose another unit, layer or picture",
            row=i,
            column=j,
            layer=layer,
        )
    return found


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
    """The fields of that unit, or the middle one, of `layers`, or of all; None where no pixel moves it.

    Layers that see the whole image share one forward pass. Raises what `receptive_field` raises.
    """
    sides = (x.shape[-2], x.shape[-1])
    followed = follow(model, layers, sides)
    plans = [_plan(followed, name, unit, sides, True) for name in followed.maps]
    together: dict[Box, list[_Plan]] = defaultdict(list)
    for plan in plans:
        together[plan.box].append(plan)
    found: dict[str, EffectiveField | None] = {}
    for members in together.values():
        told = partial(_part, progress, len(found) / len(plans), len(members) / len(plans))
        energies = _energies(model, x, members, _Sampling(draws, batch, seed), told)
        found |= {plan.layer: _field(plan, energies[plan.layer]) for plan in members}
    return {plan.layer: found[plan.layer] for plan in plans}


def _part(progress: Progress, before: float, share: float, done: float) -> None:
    progress(before + share * done)


def noise(n: int, side: int, seed: int = 0) -> Float[Tensor, "n 3 side side"]:
    """Independent normal pixels: inputs that prefer no place."""
    return torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


def gaussian_width(profile: Float64[np.ndarray, " n"]) -> float:
    """Standard deviation of the Gaussian that fits non-negative numbers at even places best, in places.

    Guo 2011, "A Simple Algorithm for Fitting a Gaussian Function", IEEE Signal Processing Magazine
    28(5): a parabola through the logarithms, weighed by the values, then by those fitted. Where
    that gives no bell inside the field (flat tops, fewer than three places), the standard deviation
    of the numbers themselves.
    """
    (places,) = np.nonzero(profile > profile.max() * 1e-9)
    values = profile[places]
    centre = (places * values).sum() / values.sum()
    if len(places) < 3:
        return _deviation(profile)
    weights = values
    for _ in range(10):
        curve = np.polyfit(places - centre, np.log(values), 2, w=weights)
        width = (-0.5 / curve[0]) ** 0.5 if curve[0] < 0 else np.inf
        if not width <= len(places) / 2:
            return _deviation(profile)
        weights = np.exp(np.polyval(curve, places - centre))
    return float(width)


def _deviation(profile: Float64[np.ndarray, " n"]) -> float:
    places = np.arange(len(profile))
    centre = (places * profile).sum() / profile.sum()
    return float(np.sqrt(((places - centre) ** 2 * profile).sum() / profile.sum()))


# ---- which unit, and which pixels are enough for it


@dataclass(frozen=True, slots=True)
class _Plan:
    """A unit of a layer and the pixels that are run; `at` is the unit's number where only these are run."""

    layer: str
    seen: Seen
    runs: int
    unit: Unit
    box: Box
    at: Unit
    theoretical: tuple[int, int]

    def uncropped(self, x: Tensor) -> "_Plan":
        return replace(self, box=(0, x.shape[-2], 0, x.shape[-1]), at=self.unit)


@dataclass(frozen=True, slots=True)
class _Sampling:
    draws: int
    batch: int
    seed: int


def _plan(
    followed: Followed, layer: str, unit: Unit | None, sides: tuple[int, int], crop: bool
) -> _Plan:
    seen, runs = followed.maps[layer], followed.runs[layer]
    counts = seen.units
    row, column = unit or (counts[0] // 2, counts[1] // 2)
    if not (0 <= row < counts[0] and 0 <= column < counts[1]):
        raise ProbeError(
            "{layer} has {rows} x {columns} units, none in row {row}, column {column}",
            layer=layer,
            rows=counts[0],
            columns=counts[1],
            row=row,
            column=column,
        )
    y, x = seen.axes
    theoretical = sides[0] if y.whole else y.size, sides[1] if x.whole else x.size
    if not (crop and y.local and x.local):
        return _Plan(
            layer, seen, runs, (row, column), (0, sides[0], 0, sides[1]), (row, column), theoretical
        )
    (top, bottom, i), (left, right, j) = _enough(y, row, sides[0]), _enough(x, column, sides[1])
    return _Plan(layer, seen, runs, (row, column), (top, bottom, left, right), (i, j), theoretical)


def _enough(axis: Axis, unit: int, side: int) -> tuple[int, int, int]:
    """From which pixel to which before a unit depends on nothing else, and its number if the image were these."""
    stride = axis.first.step
    start = max(0, axis.first(unit)) // stride * stride
    end = min(side, axis.last(unit) + 1)
    return (
        (start, end, unit - start // stride) if start < end else (0, side, unit)
    )  # all padding: nothing to save


# ---- gradients


class _Enough(Exception):  # noqa: N818
    """Every layer asked for has run."""


def _energies(
    model: nn.Module, x: Tensor, plans: list[_Plan], how: _Sampling, progress: Progress
) -> dict[str, Float64[np.ndarray, "height width"]]:
    """Summed squared gradients of plans with one box, on the whole image's grid."""
    try:
        return _summed(model, x, plans, how, progress)
    except (
        Exception
    ):  # whatever a network has against a smaller picture; what it has against this one shows below
        return _summed(model, x, [plan.uncropped(x) for plan in plans], how, progress)


def _summed(
    model: nn.Module, x: Tensor, plans: list[_Plan], how: _Sampling, progress: Progress
) -> dict[str, Float64[np.ndarray, "height width"]]:
    total = {plan.layer: np.zeros(tuple(x.shape[-2:])) for plan in plans}
    top, bottom, left, right = plans[0].box
    signs = {plan.layer: torch.Generator().manual_seed(how.seed) for plan in plans}
    parts = x.split(how.batch)
    done, backward = 0, len(parts) * len(plans) * how.draws
    for part in parts:
        pixels = part[:, :, top:bottom, left:right].detach().clone().requires_grad_()
        for layer, unit in _units(model, pixels, plans).items():
            for _ in range(how.draws):
                total[layer][top:bottom, left:right] += _energy(unit, pixels, signs[layer])
                progress((done := done + 1) / backward)
        del unit  # and with it the graph, before the next one is made
    return total


def _units(
    model: nn.Module, pixels: Tensor, plans: list[_Plan]
) -> dict[str, Float[Tensor, "n channels"]]:
    """The channels of each plan's unit with their graph, from a forward pass that ends at the deepest layer."""
    by_layer = {plan.layer: plan for plan in plans}
    waiting = {plan.layer: plan.runs for plan in plans}
    found: dict[str, Tensor] = {}

    def record(layer: str, _inputs: object, output: Tensor) -> None:
        waiting[layer] -= 1
        if waiting[layer] == 0:
            found[layer] = _unit(output, by_layer[layer])
        if len(found) == len(waiting):
            raise _Enough

    with (
        frozen(model),
        eval_mode(model),
        torch.enable_grad(),
        observe(model, waiting, record),
        suppress(_Enough),
    ):
        model(pixels.clone())  # a network may work in place
    return found


def _unit(output: Tensor, plan: _Plan) -> Float[Tensor, "n channels"]:
    for dim, i in zip(plan.seen.dims, plan.at, strict=True):
        if dim is not None:
            output = output.narrow(dim, i, 1)
    return output.flatten(1).clone()  # before something works on it in place


def _energy(
    unit: Tensor, pixels: Tensor, signs: torch.Generator
) -> Float64[np.ndarray, "height width"]:
    """The squared gradient of the channels, each with a random sign, summed over inputs and the image's channels."""
    sign = torch.randint(0, 2, unit.shape, generator=signs).to(unit) * 2 - 1
    if not unit.requires_grad:
        return np.zeros(tuple(pixels.shape[-2:]))
    (gradient,) = torch.autograd.grad(unit, pixels, sign, retain_graph=True, materialize_grads=True)
    energy: np.ndarray = gradient.double().square().sum((0, 1)).cpu().numpy()
    return energy


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """No parameter wants a gradient inside the block, which saves a third of the work; who did wants it again after."""
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        for parameter in wanted:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in wanted:
            parameter.requires_grad_(True)


# ---- from gradients to the result


def _field(plan: _Plan, energy: Float64[np.ndarray, "height width"]) -> EffectiveField | None:
    """None where there is no energy, or where it is too large for numbers."""
    total = energy.sum()
    if not 0 < total < np.inf:
        return None
    share = energy / total
    widths = gaussian_width(share.sum(1)), gaussian_width(share.sum(0))
    return EffectiveField(
        plan.layer, plan.unit, share.astype(np.float32), plan.theoretical, areas(share), widths
    )


def areas(share: Float[np.ndarray, "height width"]) -> tuple[int, int, int]:
    """How many pixels, the strongest first, hold 50, 95 and 99.7 % of a sum of 1."""
    held = np.cumsum(np.sort(share, axis=None)[::-1])
    half, most, nearly_all = (int(np.searchsorted(held, part * held[-1])) + 1 for part in SHARES)
    return half, most, nearly_all
