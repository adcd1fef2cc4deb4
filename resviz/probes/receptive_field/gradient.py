"""Squared gradients of single units by the pixels, from passes that end at the deepest layer."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from resviz.probes.core.hooks import eval_mode, observe
from resviz.probes.receptive_field.crop import Plan
from resviz.progress import Progress, silent

Energies = dict[str, Float64[np.ndarray, "height width"]]


@dataclass(frozen=True, slots=True)
class Sampling:
    """Random signs for each input, inputs at a time, and the seed of the signs."""

    draws: int
    batch: int
    seed: int


class _AllSeen(Exception):  # noqa: N818
    """Every layer asked for has run: what comes behind need not."""


def energies(
    model: nn.Module,
    x: Tensor,
    plans: list[Plan],
    how: Sampling,
    progress: Progress = silent,
) -> Energies:
    """Layer -> summed squared gradients of plans with one box, on the whole image's grid."""
    try:
        return _summed(model, x, plans, how, progress)
    except Exception:
        # whatever a network has against a smaller picture; what it has against any shows here
        return _summed(model, x, [plan.uncropped(x) for plan in plans], how, progress)


def _summed(
    model: nn.Module, x: Tensor, plans: list[Plan], how: Sampling, progress: Progress
) -> Energies:
    """As `energies`, on the pixels of the plans' box."""
    total = {plan.layer: np.zeros(tuple(x.shape[-2:])) for plan in plans}
    top, bottom, left, right = plans[0].box
    signs = {plan.layer: torch.Generator().manual_seed(how.seed) for plan in plans}
    parts = x.split(how.batch)
    done, backward_passes = 0, len(parts) * len(plans) * how.draws
    for part in parts:
        cut = part[:, :, top:bottom, left:right]
        pixels = cut.detach().clone().requires_grad_()
        units = _units(model, pixels, plans)
        for layer, unit in units.items():
            for _ in range(how.draws):
                total[layer][top:bottom, left:right] += _energy(unit, pixels, signs[layer])
                done += 1
                progress(done / backward_passes)
        del unit, units  # and with it the graph, before the next one is made
    return total


def _units(
    model: nn.Module, pixels: Tensor, plans: list[Plan]
) -> dict[str, Float[Tensor, "n channels"]]:
    """The channels of each plan's unit with their graph, from one forward pass."""
    by_layer = {plan.layer: plan for plan in plans}
    runs_left = {plan.layer: plan.runs for plan in plans}
    units: dict[str, Tensor] = {}

    def record(layer: str, _inputs: object, output: Tensor) -> None:
        runs_left[layer] -= 1
        if runs_left[layer] == 0:
            units[layer] = _unit(output, by_layer[layer])
        if len(units) == len(plans):
            raise _AllSeen

    with (
        frozen(model),
        eval_mode(model),
        torch.enable_grad(),
        observe(model, list(by_layer), record),
        suppress(_AllSeen),
    ):
        model(pixels.clone())  # a network may work in place
    return units


def _unit(output: Tensor, plan: Plan) -> Float[Tensor, "n channels"]:
    """The numbers of the plan's unit, all its channels."""
    for dim, place in zip(plan.fields.dims, plan.at, strict=True):
        if dim is not None:
            output = output.narrow(dim, place, 1)
    return output.flatten(1).clone()  # before something works on it in place


def _energy(
    unit: Tensor, pixels: Tensor, signs: torch.Generator
) -> Float64[np.ndarray, "height width"]:
    """The squared gradient of the channels, each with a random sign.

    Summed over inputs and the image's channels.
    """
    sign = torch.randint(0, 2, unit.shape, generator=signs).to(unit) * 2 - 1
    if not unit.requires_grad:
        return np.zeros(tuple(pixels.shape[-2:]))
    (gradient,) = torch.autograd.grad(unit, pixels, sign, retain_graph=True, materialize_grads=True)
    energy: np.ndarray = gradient.double().square().sum((0, 1)).cpu().numpy()
    return energy


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """No parameter wants a gradient inside the block, which saves a third of the work.

    Parameters that wanted one want it again after the block.
    """
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        for parameter in wanted:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in wanted:
            parameter.requires_grad_(True)
