"""A residual network as the sum of its 2^n paths: Veit et al. 2016, 1605.06431.

At each of n blocks a path goes through the branch or through the shortcut; its length is the number
of branches. Most paths are about n / 2 long, but long ones carry little gradient, so that most of
it comes through short ones.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.models.architectures.blocks import Residual
from resviz.probes.core.autograd import differentiable
from resviz.probes.core.entry import probe
from resviz.probes.core.hooks import eval_mode, intercept
from resviz.probes.core.prediction import check_target, class_scores
from resviz.tables import Table

CHUNK = 64  # paths in one forward and backward


@dataclass(frozen=True, slots=True)
class Paths:
    """By length, from 0 to the number of blocks: share of all paths, gradient of one, product.

    `gradient` is the mean norm of dL/d(image) through one path, over `samples` random ones of that
    length; `contribution` is that times the number of paths, as a share of the sum over all lengths
    (section 4.3).
    """

    blocks: tuple[str, ...]
    share: Float[np.ndarray, " lengths"]
    gradient: Float[np.ndarray, " lengths"]
    contribution: Float[np.ndarray, " lengths"]
    samples: int

    @property
    def most(self) -> tuple[int, int]:
        """Shortest and longest of the lengths that hold the middle 95 % of the contribution."""
        below = np.cumsum(self.contribution)
        return int(np.searchsorted(below, 0.025)), int(np.searchsorted(below, 0.975))

    def table(self) -> Table:
        """A row for each length."""
        columns = (self.share.tolist(), self.gradient.tolist(), self.contribution.tolist())
        rows = tuple(zip(range(len(self.share)), *columns, strict=True))
        names = ("length", "share of paths", "gradient of one", "share of gradient")
        return Table(names, rows)


def share_of_paths(blocks: int) -> Float[np.ndarray, " lengths"]:
    """C(n, k) / 2^n for k = 0 ... n."""
    return np.array([comb(blocks, k) / 2**blocks for k in range(blocks + 1)])


@probe
def paths(
    model: nn.Module, x: Float[Tensor, "1 c h w"], target: int, samples: int = 16, seed: int = 0
) -> Paths:
    """Gradient of the cross-entropy of `target` by path length.

    Raises `ProbeError` without residual blocks.
    """
    blocks = residual_blocks(model)
    lengths = len(blocks) + 1
    masks = _random_masks(len(blocks), samples, seed)
    norms = torch.cat(
        [
            torch.linalg.vector_norm(through(model, x, target, part).flatten(1), dim=1)
            for part in masks.split(CHUNK)
        ]
    )
    gradient = norms.view(lengths, samples).mean(1).cpu().numpy()
    share = share_of_paths(len(blocks))
    product = share * gradient
    return Paths(blocks, share, gradient, product / (product.sum() or 1.0), samples)


def _random_masks(blocks: int, samples: int, seed: int) -> Bool[Tensor, "paths blocks"]:
    """So many random paths of each length, 0 to the number of blocks: true is the branch."""
    generator = torch.Generator().manual_seed(seed)
    masks = [
        torch.randperm(blocks, generator=generator) < length
        for length in range(blocks + 1)
        for _ in range(samples)
    ]
    return torch.stack(masks)


def residual_blocks(model: nn.Module) -> tuple[str, ...]:
    """Names of our residual blocks; raises `ProbeError` if there is none."""
    names = tuple(name for name, module in model.named_modules() if isinstance(module, Residual))
    if not names:
        raise ProbeError(
            "this network has no residual blocks, so there is one path only; "
            "choose a residual network"
        )
    return names


@probe
def through(
    model: nn.Module, x: Float[Tensor, "1 c h w"], target: int, masks: Bool[Tensor, "paths blocks"]
) -> Float[Tensor, "paths c h w"]:
    """dL/dx through single paths, in float64.

    Where a mask is true the gradient goes through that block's branch only, else through its
    shortcut only. The activations are those of the whole network. Over all masks the gradients add
    up to dL/dx.
    """
    return torch.cat([_through(model, x, target, part) for part in masks.split(CHUNK)])


def _through(model: nn.Module, x: Tensor, target: int, masks: Tensor) -> Tensor:
    """One pass for all masks: the image is repeated, each copy takes its own path."""
    images = x.detach().expand(len(masks), -1, -1, -1).clone()
    is_open = _open_ways(model, masks.to(x.device))

    def gate(layer: str, inputs: tuple[Tensor]) -> tuple[Tensor]:
        """Let the gradient of some images through to the module's input, of the others not."""
        own = inputs[0].view_as(inputs[0])
        own.register_hook(lambda gradient: gradient * is_open[layer])
        return (own,)

    with eval_mode(model), differentiable([images]), intercept(model, is_open, gate):
        scores = model(images)
        check_target(target, len(class_scores(scores[:1])))
        start = _loss_gradient(scores.detach(), target)
        unit = float(start.abs().max()) or 1.0
        (gradient,) = torch.autograd.grad(scores, images, (start / unit).to(scores.dtype))
    return gradient.double() * unit


def _loss_gradient(scores: Tensor, target: int) -> Tensor:
    """dL/ds of the cross-entropy, softmax(s) - onehot(target), in float64.

    Of a very sure answer softmax(s) is 1 up to the last digit, and 1 minus that nothing but
    rounding: the target's entry is minus the sum of the others.
    """
    probabilities = scores.double().softmax(1)
    probabilities[:, target] = 0.0
    probabilities[:, target] = -probabilities.sum(1)
    return probabilities


def _open_ways(model: nn.Module, masks: Tensor) -> dict[str, Tensor]:
    """First module of each branch and shortcut -> for which of the images it is open."""
    is_open: dict[str, Tensor] = {}
    for name, branch in zip(residual_blocks(model), masks.T, strict=True):
        block = model.get_submodule(name)
        assert isinstance(block, Residual)
        for way, mask in zip(block.ways, (branch, ~branch), strict=True):
            is_open[f"{name}.{way}"] = mask[:, None, None, None]
    return is_open
