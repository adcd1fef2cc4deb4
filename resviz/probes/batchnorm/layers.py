"""Which layers normalise, what they hold, and what stands in for them where none is a BatchNorm."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float64
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from resviz.errors import ProbeError, Sentence

BatchNorm = _BatchNorm  # of any number of dimensions
CONVOLUTIONS = nn.Conv1d | nn.Conv2d | nn.Conv3d
# Classes with another forward may do more than normalise: timm's BatchNormAct2d ends in an
# activation.
_ONLY_NORMALISE = {_BatchNorm.forward, nn.SyncBatchNorm.forward}


@dataclass(frozen=True, slots=True)
class Affine:
    """A layer that ends in gamma * x + beta per channel; a convolution's bias has no gamma."""

    layer: str
    kind: str
    gamma: Float64[np.ndarray, " channels"] | None
    beta: Float64[np.ndarray, " channels"]


def batch_norms(model: nn.Module) -> dict[str, BatchNorm]:
    """Every BatchNorm layer by name.

    Raises:
        ProbeError: there is none; the message says what there is instead.
    """
    norms = {
        name: module for name, module in model.named_modules() if isinstance(module, BatchNorm)
    }
    if not norms:
        raise ProbeError(without_batch_norm(model))
    return norms


def batch_norm(model: nn.Module, layer: str) -> BatchNorm:
    """The BatchNorm layer of that name; raises `ProbeError` with an example for another name."""
    norms = batch_norms(model)
    if layer not in norms:
        raise ProbeError(
            "{layer} is no BatchNorm layer of this model; choose one such as {example}.",
            layer=layer,
            example=next(iter(norms)),
        )
    return norms[layer]


def has_batch_norm(model: nn.Module) -> bool:
    """Whether a layer of the model is a BatchNorm."""
    return any(isinstance(module, BatchNorm) for module in model.modules())


def without_batch_norm(model: nn.Module) -> Sentence:
    """Say what a network without BatchNorm has in its place."""
    if frozen := _counted(module for module in model.modules() if _is_frozen(module)):
        return Sentence(
            "This network's normalisation is frozen ({norms}): it uses stored statistics in "
            "training too, so there is nothing to compare.",
            norms=frozen,
        )
    if norms := _counted(module for module in model.modules() if _is_affine_norm(module)):
        return Sentence(
            "This network has no BatchNorm: it normalises with {norms}, by no running statistics.",
            norms=norms,
        )
    return _without_any_norm(model)


def _without_any_norm(model: nn.Module) -> Sentence:
    convolutions = [module for module in model.modules() if isinstance(module, CONVOLUTIONS)]
    biases = sum(isinstance(module.bias, Tensor) for module in convolutions)
    if biases:
        return Sentence(
            "This network has no BatchNorm and no other normalisation (or it was folded into the "
            "convolutions); convolutions with a bias of their own: {count}.",
            count=biases,
        )
    return Sentence(
        "This network has no BatchNorm and no other normalisation "
        "(or it was folded into the convolutions)."
    )


def _is_frozen(module: nn.Module) -> bool:
    """Whether it normalises with stored statistics but is no BatchNorm (FrozenBatchNorm2d)."""
    # By what it holds, for detectors and timm have classes of their own for this.
    stored = getattr(module, "running_mean", None), getattr(module, "running_var", None)
    return all(isinstance(tensor, Tensor) for tensor in stored)


def _is_affine_norm(module: nn.Module) -> bool:
    """Whether it has the name of a normalisation, a scale and a shift."""
    named = "Norm" in type(module).__name__
    return named and all(
        isinstance(getattr(module, name, None), Tensor) for name in ("weight", "bias")
    )


def _counted(modules: Iterator[nn.Module]) -> str:
    """Their kinds with how many there are of each: "GroupNorm (7)"."""
    counts = Counter(type(module).__name__ for module in modules)
    return ", ".join(f"{kind} ({count})" for kind, count in counts.items())


def affine_layers(model: nn.Module) -> tuple[Affine, ...]:
    """Normalisations of other kinds with their gamma and beta, and convolutions with a bias."""
    return tuple(_affine_layers(model))


def _affine_layers(model: nn.Module) -> Iterator[Affine]:
    for name, module in model.named_modules():
        kind = type(module).__name__
        beta = getattr(module, "bias", None)
        if not isinstance(beta, Tensor) or isinstance(module, BatchNorm):
            continue
        if isinstance(module, CONVOLUTIONS):
            yield Affine(name, kind, None, array(beta))
        elif _is_affine_norm(module):
            gamma = array(module.weight.flatten())
            yield Affine(name, kind, gamma, array(beta.flatten()))


def normalised(norm: BatchNorm, before: Tensor, after: Tensor) -> Tensor:
    """What the normalisation itself gives for the input `before`, in evaluation mode.

    That is the layer's output `after`, unless the layer goes on with an activation of its own.
    """
    if type(norm).forward in _ONLY_NORMALISE:
        return after
    # Without stored statistics evaluation normalises with the batch as well.
    by_batch = norm.running_mean is None
    return F.batch_norm(
        before,
        norm.running_mean,
        norm.running_var,
        norm.weight,
        norm.bias,
        training=by_batch,
        eps=norm.eps,
    )


def rectifies(values: Tensor, after: Tensor) -> bool:
    """Whether the layer itself went on with a ReLU: zero is left of whatever is not positive."""
    return values is not after and bool(((after == 0) | (values > 0)).all())


def check_images(x: Tensor) -> None:
    """Raise `ProbeError` for an empty batch, or one with values that are not numbers."""
    if not len(x):
        raise ProbeError("The batch is empty; give at least one image.")
    if not x.isfinite().all():
        raise ProbeError(
            "The images hold values that are not finite numbers (NaN or infinity); choose others."
        )


def check_batch(layer: str, x: Tensor) -> None:
    """Raise `ProbeError` where a channel of this input has one value: its variance says nothing."""
    if x.numel() <= x.shape[1]:
        raise ProbeError(
            "A batch of one gives {layer} one value per channel, without a variance; add an image.",
            layer=layer,
        )


def array(tensor: Tensor) -> Float64[np.ndarray, "..."]:
    """A copy of the tensor's numbers on the CPU, in float64."""
    # Apple GPUs know no float64: there the numbers move first and widen afterwards.
    return np.asarray(tensor.detach().cpu().to(torch.float64, copy=True).numpy())
