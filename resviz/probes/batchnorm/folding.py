"""Folding BatchNorm into the convolution before it: in evaluation both are linear, and one convolution does it all.

gamma (W x + b - mean) / sqrt(variance + eps) + beta = (s W) x + (b - mean) s + beta with s = gamma
/ sqrt(variance + eps) (Jacob et al. 2018, 1712.05877, section 3.2, eqn. 14, for the weights).
"""

import copy
import weakref
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from resviz.errors import ProbeError
from resviz.probes.batchnorm.layers import BatchNorm, array, batch_norms, check_images
from resviz.probes.core.hooks import eval_mode, observe


@dataclass(frozen=True, slots=True)
class Folded:
    """A convolution with the BatchNorm that receives its output: the factor s and the new bias of each channel."""

    convolution: str
    norm: str
    scale: Float64[np.ndarray, " channels"]
    bias: Float64[np.ndarray, " channels"]


@dataclass(frozen=True, slots=True)
class FoldingCheck:
    """How far the outputs of the folded network lie from the model's own, at most; beside it the largest of these."""

    pairs: int
    difference: float
    largest: float


def foldings(model: nn.Module, x: Float[Tensor, "n c h w"]) -> tuple[Folded, ...]:
    """The pairs of convolution and BatchNorm that one forward of `x` shows, in order.

    Raises `ProbeError` for a model without BatchNorm, and one where none directly follows a
    convolution.
    """
    found = []
    for convolution, norm in _pairs(model, x):
        scale, bias = _folded(model.get_submodule(convolution), model.get_submodule(norm))
        found.append(Folded(convolution, norm, array(scale), array(bias)))
    return tuple(found)


def fuse(model: nn.Module, x: Float[Tensor, "n c h w"]) -> nn.Module:
    """A copy in which each such pair is one convolution with a bias, and nothing stands where BatchNorm was.

    It shares what is not folded with `model`, which stays as it is. Raises what `foldings` raises.
    """
    pairs = _pairs(model, x)
    fused = copy.deepcopy(model, {id(t): t for t in (*model.parameters(), *model.buffers())})
    for convolution, norm in pairs:
        old = fused.get_submodule(convolution)
        assert isinstance(old, nn.Conv2d)
        scale, bias = _folded(old, fused.get_submodule(norm))
        weight = old.weight.detach().double() * scale.reshape(-1, *[1] * (old.weight.ndim - 1))
        old.weight = nn.Parameter(weight.to(old.weight.dtype))
        old.bias = nn.Parameter(bias.to(old.weight.dtype))
        _replace(fused, norm, nn.Identity())
    return fused.eval()


def folding_check(model: nn.Module, x: Float[Tensor, "n c h w"]) -> FoldingCheck:
    """Both networks on the same images; raises what `foldings` raises."""
    pairs, fused = len(_pairs(model, x[:1])), fuse(model, x[:1])
    with eval_mode(model), torch.no_grad():
        ours, theirs = model(x), fused(x)
    return FoldingCheck(pairs, float((theirs - ours).abs().max()), float(ours.abs().max()))


def _pairs(model: nn.Module, x: Tensor) -> list[tuple[str, str]]:
    """(convolution, norm) where the norm alone uses the very tensor that the convolution gave, and both run once.

    In a pre-activation block the shortcut uses it as well: there nothing may be folded.
    """
    norms = {name: m for name, m in batch_norms(model).items() if m.running_var is not None}
    convolutions = [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d)]
    check_images(x)
    uses = _Uses()
    pairs: list[tuple[str, str]] = []
    runs: Counter[str] = Counter()

    def note(layer: str, _inputs: object, output: Tensor) -> None:
        runs[layer] += 1
        uses.follow(layer, output)

    def pair(layer: str, inputs: tuple[Tensor], _output: Tensor) -> None:
        runs[layer] += 1
        if convolution := uses.source(inputs[0]):
            pairs.append((convolution, layer))

    with (
        eval_mode(model),
        torch.no_grad(),
        observe(model, convolutions, note),
        observe(model, norms, pair),
        uses,
    ):
        model(x)
    once = [
        pair for pair in pairs if all(runs[name] == 1 for name in pair) and uses.count[pair[0]] == 1
    ]
    if not once:
        raise ProbeError(
            "No BatchNorm of this model directly follows a convolution, so nothing can be folded."
        )
    return once


class _Uses(TorchFunctionMode):
    """How many operations use what each convolution gave; asking it for its shape is no use."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()
        self._given: dict[int, tuple[weakref.ref[Tensor], str]] = {}

    def follow(self, layer: str, output: Tensor) -> None:
        """Watch this tensor from now on."""
        self._given[id(output)] = weakref.ref(output), layer

    def source(self, tensor: object) -> str | None:
        """The convolution that gave this very tensor."""
        kept, layer = self._given.get(id(tensor), (None, None))
        return layer if kept is not None and kept() is tensor else None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor | tuple | list):
            for argument in tree_leaves((args, kwargs)):
                if layer := self.source(argument):
                    self.count[layer] += 1
        return result


def _folded(convolution: nn.Module, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Scale and bias per channel, in float64."""
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(norm, BatchNorm)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    mean, variance = norm.running_mean.double(), norm.running_var.double()
    gamma = norm.weight.detach().double() if norm.affine else torch.ones_like(mean)
    beta = norm.bias.detach().double() if norm.affine else torch.zeros_like(mean)
    bias = (
        convolution.bias.detach().double()
        if convolution.bias is not None
        else torch.zeros_like(mean)
    )
    scale = gamma / torch.sqrt(variance + norm.eps)
    return scale, (bias - mean) * scale + beta


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _dot, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, module)
