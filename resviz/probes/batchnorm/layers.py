"""Which layers normalise, what they hold, and how to watch them at work."""

import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from resviz.errors import ProbeError, Sentence
from resviz.probes.core.hooks import eval_mode, observe
from resviz.probes.core.statistics import std

BatchNorm = _BatchNorm  # of any number of dimensions
CONVOLUTIONS = nn.Conv1d | nn.Conv2d | nn.Conv3d


@dataclass(frozen=True, slots=True)
class Affine:
    """A layer that ends in gamma * x + beta, one value per channel; gamma is None for the bias of a convolution."""

    layer: str
    kind: str
    gamma: Float64[np.ndarray, " channels"] | None
    beta: Float64[np.ndarray, " channels"]


def batch_norms(model: nn.Module) -> dict[str, BatchNorm]:
    """Every BatchNorm layer by name; raises `ProbeError` that says what there is instead if there is none."""
    found = {
        name: module for name, module in model.named_modules() if isinstance(module, BatchNorm)
    }
    if not found:
        raise ProbeError(without_batch_norm(model))
    return found


def has_batch_norm(model: nn.Module) -> bool:
    """Whether a layer of the model is a BatchNorm."""
    return any(isinstance(module, BatchNorm) for module in model.modules())


def without_batch_norm(model: nn.Module) -> Sentence:
    """What a network without BatchNorm has in its place, in a sentence."""
    kinds = Counter(layer.kind for layer in affine_layers(model))
    norms = [f"{kind} ({count})" for kind, count in kinds.items() if "Norm" in kind]
    if norms:
        return Sentence(
            "This network has no BatchNorm: it normalises with {norms}, by no running statistics.",
            norms=", ".join(norms),
        )
    biases = sum(kinds.values())
    rest = (
        Sentence("; convolutions with a bias of their own: {count}", count=biases) if biases else ""
    )
    return Sentence(
        "This network has no BatchNorm and no other normalisation (or it was folded into the convolutions){rest}.",
        rest=rest,
    )


def affine_layers(model: nn.Module) -> tuple[Affine, ...]:
    """Normalisations of other kinds with their gamma and beta, and convolutions with a bias."""
    return tuple(_affine_layers(model))


def spreads(model: nn.Module, x: Float[Tensor, "n c h w"]) -> dict[str, float]:
    """Standard deviation of all that each convolution gives for `x`, as they run; what normalisation would make one.

    Of a convolution that runs more than once the last run counts. Raises what `check_images`
    raises.
    """
    check_images(x)
    found: dict[str, float] = {}
    convolutions = [
        name for name, module in model.named_modules() if isinstance(module, CONVOLUTIONS)
    ]

    def record(layer: str, _inputs: object, output: Tensor) -> None:
        found[layer] = std(output.float())

    with eval_mode(model), torch.no_grad(), observe(model, convolutions, record):
        model(x)
    return found


@contextmanager
def relus_after(model: nn.Module, layers: dict[str, BatchNorm]) -> Iterator[set[str]]:
    """While the block runs the model, collect those of `layers` whose very output a ReLU module receives."""
    found: set[str] = set()
    outputs: dict[int, tuple[weakref.ref[Tensor], str]] = {}

    def note(layer: str, _inputs: object, output: Tensor) -> None:
        outputs[id(output)] = weakref.ref(output), layer

    def follow(_layer: str, inputs: tuple[Tensor], _output: object) -> None:
        given = inputs[0]
        tensor, layer = outputs.get(id(given), (None, ""))
        if tensor is not None and tensor() is given:
            found.add(layer)

    relus = [
        name for name, module in model.named_modules() if isinstance(module, nn.ReLU | nn.ReLU6)
    ]
    with observe(model, layers, note), observe(model, relus, follow):
        yield found


def check_images(x: Tensor) -> None:
    """Raise `ProbeError` for an empty batch, or one with values that are not numbers."""
    if not len(x):
        raise ProbeError("The batch is empty; give at least one image.")
    if not x.isfinite().all():
        raise ProbeError(
            "The images hold values that are not finite numbers (NaN or infinity); choose others."
        )


def check_batch(layer: str, x: Tensor) -> None:
    """Raise `ProbeError` where a channel of this input has a single value, whose variance says nothing."""
    if x.numel() <= x.shape[1]:
        raise ProbeError(
            "A batch of one gives {layer} one value per channel, without a variance; add an image.",
            layer=layer,
        )


def array(tensor: Tensor) -> Float64[np.ndarray, "..."]:
    """The tensor's numbers on the CPU."""
    return (
        tensor.detach().double().cpu().numpy()
        if tensor.device.type != "mps"
        else tensor.detach().cpu().numpy() * 1.0
    )


def _affine_layers(model: nn.Module) -> Iterator[Affine]:
    for name, module in model.named_modules():
        kind = type(module).__name__
        gamma, beta = getattr(module, "weight", None), getattr(module, "bias", None)
        if not isinstance(beta, Tensor) or isinstance(module, BatchNorm):
            continue
        if isinstance(module, CONVOLUTIONS):
            yield Affine(name, kind, None, array(beta))
        elif "Norm" in kind and isinstance(gamma, Tensor):
            yield Affine(name, kind, array(gamma.flatten()), array(beta.flatten()))
