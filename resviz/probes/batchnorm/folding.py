"""Folding BatchNorm into the convolution before it: one convolution does the work of both.

In evaluation both are linear: gamma (W x + b - mean) / sqrt(variance + eps) + beta
= (s W) x + (b - mean) s + beta with s = gamma / sqrt(variance + eps) (Jacob et al. 2018,
1712.05877, section 3.2, eqn. 14, for the weights).
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from numpy import ndarray
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from resviz.errors import ProbeError, Sentence
from resviz.probes.batchnorm.fold_pairs import Fold, find_folds, is_close, put_into, rest_of
from resviz.probes.batchnorm.layers import array
from resviz.probes.core.entry import probe
from resviz.probes.core.hooks import eval_mode
from resviz.tables import Table


@dataclass(frozen=True, slots=True)
class Folded:
    """A convolution with the BatchNorm that receives its output.

    `scale` is the factor s of each channel's kernel, `bias` the channel's new bias.
    """

    convolution: str
    norm: str
    scale: Float64[ndarray, " channels"]
    bias: Float64[ndarray, " channels"]


@dataclass(frozen=True, slots=True)
class FoldingCheck:
    """How far the folded network's outputs lie from the model's, at most; the largest of these."""

    pairs: int
    difference: float
    largest: float


@dataclass(frozen=True, slots=True)
class Folding:
    """What is folded, why each other BatchNorm stays, and how far that changes the outputs."""

    pairs: tuple[Folded, ...]
    reasons: dict[str, Sentence]
    check: FoldingCheck


@probe
def folding(model: nn.Module, x: Float[Tensor, "n c h w"]) -> Folding:
    """Fold a network, as `fuse` does with the first image, and compare both on all images.

    Raises:
        ProbeError: what `fuse` raises.
    """
    seen = find_folds(model, x[:1])
    fused = _fused(model, x[:1], seen.folds)
    difference, largest = _apart(*_outputs(model, fused, x))
    check = FoldingCheck(len(seen.folds), difference, largest)
    return Folding(_described(seen.folds), seen.reasons, check)


@probe
def foldings(model: nn.Module, x: Float[Tensor, "n c h w"]) -> tuple[Folded, ...]:
    """Find the pairs of convolution and BatchNorm that one forward of `x` shows, in order.

    Raises:
        ProbeError: the model has no BatchNorm, or none that can be folded.
    """
    return _described(find_folds(model, x).folds)


def _described(folds: Sequence[Fold]) -> tuple[Folded, ...]:
    return tuple(
        Folded(fold.convolution, fold.norm, scale=array(fold.scale), bias=array(fold.bias))
        for fold in folds
    )


def table(pairs: Sequence[Folded]) -> Table:
    """Factor and new bias of each channel of each pair."""
    rows = tuple(
        (pair.convolution, pair.norm, channel, float(scale), float(bias))
        for pair in pairs
        for channel, (scale, bias) in enumerate(zip(pair.scale, pair.bias, strict=True))
    )
    return Table(("convolution", "batchnorm", "channel", "factor", "bias"), rows)


@probe
def fuse(model: nn.Module, x: Float[Tensor, "n c h w"]) -> nn.Module:
    """Copy a network so that each convolution with a BatchNorm behind it is one convolution.

    The kernel becomes s W and the bias (b - mean) s + beta, with s = gamma / sqrt(variance + eps).
    Where the BatchNorm was, nothing stands, or the activation that it carried. What cannot be
    folded stays as it is; `folding` says why.

    Args:
        model: a network with BatchNorm; it stays as it is.
        x: images as the model receives them: one forward shows what follows what, and every fold is
            checked on it.

    Returns:
        The copy, in evaluation mode; it shares what is not folded with `model`.

    Raises:
        ProbeError: the model has no BatchNorm, none can be folded, or the folded network's outputs
            for `x` are not those of the model.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).eval()
        >>> fuse(net, torch.zeros(1, 1, 8, 8))
        Sequential(
          (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))
          (1): Identity()
        )

    Reference:
        Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
        Integer-Arithmetic-Only Inference", 1712.05877, section 3.2.
    """
    return _fused(model, x, find_folds(model, x).folds)


def _fused(model: nn.Module, x: Tensor, folds: Sequence[Fold]) -> nn.Module:
    """A copy with these pairs folded; raises `ProbeError` where its outputs for `x` differ."""
    fused = _put_together(model, folds)
    ours, theirs = _outputs(model, fused, x)
    if not _are_close(ours, theirs):
        difference, largest = _apart(ours, theirs)
        raise _refusal(model, x, folds, difference / (largest or 1.0))
    return fused


def _refusal(model: nn.Module, x: Tensor, folds: Sequence[Fold], share: float) -> ProbeError:
    """Say why the outputs differ; in float64 it shows whether that is rounding alone."""
    if x.dtype != torch.float64 and _folds_in_float64(model, x, folds):
        return ProbeError(
            "This network amplifies rounding: folding would change its outputs by up to "
            "{share:.1%} of the largest. Fold it in float64, as `model.double()`.",
            share=share,
        )
    return ProbeError(
        "Folding would change this network's outputs by up to {share:.1%} of the largest: "
        "something in it uses a convolution or a BatchNorm in another way as well, so it "
        "cannot be folded.",
        share=share,
    )


def _folds_in_float64(model: nn.Module, x: Tensor, folds: Sequence[Fold]) -> bool:
    wide = copy.deepcopy(model).double()
    return _are_close(*_outputs(wide, _put_together(wide, folds), x.double()))


def _put_together(model: nn.Module, folds: Sequence[Fold]) -> nn.Module:
    """A copy with these pairs folded."""
    fused = _shared_copy(model)
    for fold in folds:
        put_into(fused.get_submodule(fold.convolution), fold.scale, fold.bias)
        norm = fused.get_submodule(fold.norm)
        _replace(fused, norm, rest_of(norm) if fold.activates else nn.Identity())
    return fused.eval()


def _shared_copy(model: nn.Module) -> nn.Module:
    """A copy of the structure over the same tensors."""
    tensors = [
        value
        for module in model.modules()
        for value in vars(module).values()  # weight_norm keeps what it computes as an attribute
        if isinstance(value, Tensor)
    ]
    shared = (*model.parameters(), *model.buffers(), *tensors)
    return copy.deepcopy(model, {id(tensor): tensor for tensor in shared})


def _replace(model: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put a module in the place of another, under every name that it has."""
    for parent in list(model.modules()):
        for name, module in parent._modules.items():
            if module is old:
                parent._modules[name] = new


def _outputs(model: nn.Module, fused: nn.Module, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """All tensors that each network gives."""
    with eval_mode(model), torch.no_grad():
        ours, theirs = (tree_leaves(net(x.clone())) for net in (model, fused))
    return _tensors(ours), _tensors(theirs)


def _are_close(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> bool:
    return all(is_close(a, b) for a, b in zip(ours, theirs, strict=True))


def _tensors(leaves: Sequence[object]) -> list[Tensor]:
    return [leaf for leaf in leaves if isinstance(leaf, Tensor)]


def _apart(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> tuple[float, float]:
    """The largest difference, and the largest magnitude of ours."""
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a.numel()]
    difference = max((float((b - a).abs().max()) for a, b in pairs), default=0.0)
    largest = max((float(a.abs().max()) for a, _ in pairs), default=0.0)
    return difference, largest
