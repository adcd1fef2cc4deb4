"""Which BatchNorm can be folded into which convolution, found out from one forward.

What a class is called says little: convolutions that standardise their weights and norms that carry
an activation are subclasses too. So each fold is tried on what passes through the layers, and a
pair whose folded form gives something else is left alone, with the reason.
"""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor, nn

from resviz.errors import ProbeError, Sentence
from resviz.probes.batchnorm.layers import (
    CONVOLUTIONS,
    BatchNorm,
    batch_norms,
    check_images,
    normalised,
)
from resviz.probes.batchnorm.tracking import Uses
from resviz.probes.core.hooks import eval_mode, observe


@dataclass(frozen=True, slots=True)
class Fold:
    """A pair with factor and new bias per channel, in float64.

    `activates`: the norm goes on with the modules that it holds, which stay in its place.
    """

    convolution: str
    norm: str
    scale: Float64[Tensor, " channels"]
    bias: Float64[Tensor, " channels"]
    activates: bool


@dataclass(frozen=True, slots=True)
class Folds:
    """What can be folded, in the order of running, and why each other BatchNorm cannot."""

    folds: tuple[Fold, ...]
    reasons: dict[str, Sentence]


def find_folds(model: nn.Module, x: Tensor) -> Folds:
    """Look at one forward in evaluation mode; raises `ProbeError` where nothing can be folded."""
    norms = batch_norms(model)
    check_images(x)
    search = _Search(model, norms)
    with search.watching(), torch.no_grad():
        model(x.clone())  # a network may change its input in place
    reasons = search.all_reasons()
    folds = tuple(fold for fold in search.folds.values() if fold.norm not in reasons)
    if not folds:
        raise ProbeError(
            "No BatchNorm of this model directly follows a convolution in a way that folds, so "
            "nothing can be folded; of {layer}, for example: {reason}",
            layer=next(iter(reasons)),
            reason=next(iter(reasons.values())),
        )
    return Folds(folds, reasons)


class _Search:
    """What is seen of convolutions and norms while the network runs."""

    def __init__(self, model: nn.Module, norms: Mapping[str, BatchNorm]) -> None:
        self.model, self.norms = model, norms
        self.folds: dict[str, Fold] = {}
        self._reasons: dict[str, Sentence] = {}
        self._uses = Uses()
        self._runs: Counter[str] = Counter()
        self._inputs: dict[str, tuple[Tensor, ...]] = {}  # of convolutions before their norm ran

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look at every convolution and norm that runs inside the block."""
        convolutions = [
            name for name, module in self.model.named_modules() if isinstance(module, CONVOLUTIONS)
        ]
        with (
            eval_mode(self.model),
            observe(self.model, convolutions, self._see_convolution),
            observe(self.model, self.norms, self._see_norm),
            self._uses,
        ):
            yield

    def all_reasons(self) -> dict[str, Sentence]:
        """Why each norm stays that does; how often tensors are used shows only at the end."""
        reasons = {}
        for layer in self.norms:
            if reason := self._reasons.get(layer) or self._reason_of_use(layer):
                reasons[layer] = reason
        return reasons

    def _reason_of_use(self, layer: str) -> Sentence | None:
        if not self._runs[layer]:
            return Sentence("It does not run when the model looks at an image.")
        convolution = self.folds[layer].convolution
        if max(self._runs[layer], self._runs[convolution]) > 1:
            return Sentence(
                "It or {convolution} runs more than once for an image.", convolution=convolution
            )
        if self._uses.count[convolution] > 1:
            return _used_elsewhere(convolution)
        return None

    def _see_convolution(self, layer: str, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self._runs[layer] += 1
        self._inputs[layer] = inputs
        self._uses.sources.follow(layer, output)

    def _see_norm(self, layer: str, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self._runs[layer] += 1
        source = self._uses.sources.layer_of(inputs[0])
        with self._uses.paused():  # what is tried here is no use by the network
            if reason := self._try(layer, source, inputs[0], output):
                self._reasons[layer] = reason

    def _try(
        self, layer: str, source: str | None, before: Tensor, output: Tensor
    ) -> Sentence | None:
        """Fold the pair and compare; returns why that cannot be done."""
        norm = self.norms[layer]
        if norm.running_mean is None or norm.running_var is None:
            return Sentence("It has no running statistics: it normalises with each batch's own.")
        if source is None:
            return Sentence("No convolution gives its input.")
        # Inputs are held no longer than needed: those of all convolutions would fill the memory.
        given = self._inputs.pop(source, None)
        if given is None:  # another norm has had it
            return _used_elsewhere(source)
        convolution = self.model.get_submodule(source)
        if convolution._parameters.get("weight") is None:
            return Sentence(
                "The weight of {convolution} is computed from other numbers (as by weight_norm or "
                "pruning), so no factor can go into it.",
                convolution=source,
            )
        scale, bias = _factors(convolution, norm)
        # The very class runs with other numbers: how it pads or groups is not to be known here.
        values = _scaled(convolution, scale, bias).forward(*given)
        if not is_close(normalised(norm, before, output), values):
            return Sentence(
                "A factor in the weight of {convolution} is not one in its output (as where "
                "weights are standardised).",
                convolution=source,
            )
        # An activation may work in place: it gets a copy.
        activates = not is_close(output, values)
        if activates and not is_close(output, rest_of(norm)(values.clone())):
            return Sentence("It does more than normalise and activate.")
        self.folds[layer] = Fold(source, layer, scale, bias, activates)
        return None


def _used_elsewhere(convolution: str) -> Sentence:
    return Sentence(
        "Something else uses the output of {convolution} as well.", convolution=convolution
    )


def rest_of(norm: nn.Module) -> nn.Sequential:
    """What a norm does after it has normalised: the modules that it holds, one after the other."""
    return nn.Sequential(*norm.children())


def put_into(convolution: nn.Module, scale: Tensor, bias: Tensor) -> None:
    """Give the convolution new weights, a factor for each channel, and a new bias."""
    with torch.inference_mode(False):  # what is made in that mode could never be trained again
        _put_into(convolution, scale, bias)


def _put_into(convolution: nn.Module, scale: Tensor, bias: Tensor) -> None:
    weight = convolution.get_parameter("weight").detach()
    factors = scale.reshape(-1, *[1] * (weight.ndim - 1))
    convolution.weight = nn.Parameter((weight.double() * factors).to(weight.dtype))
    convolution.bias = nn.Parameter(bias.to(weight.dtype))


def _scaled(convolution: nn.Module, scale: Tensor, bias: Tensor) -> nn.Module:
    """A convolution of the same class with other numbers; everything else is shared."""
    # Without a dictionary of its own, new weights would end up in the model itself.
    twin = copy.copy(convolution)
    twin._parameters = dict(convolution._parameters)
    put_into(twin, scale, bias)
    return twin


def _factors(convolution: nn.Module, norm: BatchNorm) -> tuple[Tensor, Tensor]:
    """Scale and bias per channel, in float64."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    # In float64, for a small variance makes a large factor and rounding errors with it.
    mean, variance = norm.running_mean.double(), norm.running_var.double()
    gamma = _double(norm.weight, torch.ones_like(mean))
    beta = _double(norm.bias, torch.zeros_like(mean))
    added = _double(convolution._parameters.get("bias"), torch.zeros_like(mean))
    scale = gamma / torch.sqrt(variance + norm.eps)
    return scale, (added - mean) * scale + beta


def _double(parameter: Tensor | None, otherwise: Tensor) -> Tensor:
    return otherwise if parameter is None else parameter.detach().double()


def is_close(ours: Tensor, theirs: Tensor) -> bool:
    """Whether two outputs differ by rounding alone: half of the type's digits agree."""
    if ours.shape != theirs.shape or not ours.is_floating_point():
        return torch.equal(ours, theirs)
    if not ours.numel():
        return True
    # Rounding grows from layer to layer; a wrong fold is off by a share of one.
    tolerance = torch.finfo(ours.dtype).eps ** 0.5
    # An output that overflows in both networks says nothing about the others.
    finite = ours[ours.isfinite()].abs()
    largest = float(finite.max()) if finite.numel() else 0.0
    return torch.allclose(theirs, ours, rtol=0, atol=tolerance * largest, equal_nan=True)
