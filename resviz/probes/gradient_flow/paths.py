"""A residual network as the sum of its 2^n paths: Veit et al. 2016, 1605.06431.

At each of n blocks a path goes through the branch or through the shortcut; its length is the number
of branches. Most paths are about n / 2 long, but long ones carry little gradient, so that most of
it comes through short ones.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.models.architectures.blocks import Residual
from resviz.probes.core.autograd import differentiable
from resviz.probes.core.hooks import eval_mode, intercept
from resviz.probes.core.prediction import check_target, class_scores

CHUNK = 64  # paths in one forward and backward


@dataclass(frozen=True, slots=True)
class Paths:
    """By length, from 0 to the number of blocks: the share of all paths, the gradient of one, and their product.

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
        """The shortest and the longest of the lengths that, around the middle, hold 95 % of the contribution."""
        below = np.cumsum(self.contribution)
        return int(np.searchsorted(below, 0.025)), int(np.searchsorted(below, 0.975))


def share_of_paths(blocks: int) -> Float[np.ndarray, " lengths"]:
    """C(n, k) / 2^n for k = 0 ... n."""
    return np.array([comb(blocks, k) / 2**blocks for k in range(blocks + 1)])


def paths(
    model: nn.Module, x: Float[Tensor, "1 c h w"], target: int, samples: int = 16, seed: int = 0
) -> Paths:
    """Gradient by path length for the cross-entropy of `target`; raises `ProbeError` without residual blocks."""
    blocks = residual_blocks(model)
    n, generator = len(blocks), torch.Generator().manual_seed(seed)
    masks = [
        torch.randperm(n, generator=generator) < k for k in range(n + 1) for _ in range(samples)
    ]
    gradients = through(model, x, target, torch.stack(masks))
    norms = (
        torch.linalg.vector_norm(gradients.double().flatten(1), dim=1)
        .view(n + 1, samples)
        .mean(1)
        .cpu()
        .numpy()
    )
    share = share_of_paths(n)
    weighed = share * norms
    return Paths(blocks, share, norms, weighed / (weighed.sum() or 1.0), samples)


def residual_blocks(model: nn.Module) -> tuple[str, ...]:
    """Names of our residual blocks; raises `ProbeError` if there is none."""
    found = tuple(name for name, module in model.named_modules() if isinstance(module, Residual))
    if not found:
        raise ProbeError(
            "this network has no residual blocks, so there is one path only; choose a residual network"
        )
    return found


def through(
    model: nn.Module, x: Float[Tensor, "1 c h w"], target: int, masks: Bool[Tensor, "paths blocks"]
) -> Float[Tensor, "paths c h w"]:
    """dL/dx through single paths: where a mask is true the gradient goes through that block's branch only, else through
    its shortcut only. The activations are those of the whole network. Over all masks the gradients
    add up to dL/dx.
    """
    return torch.cat([_through(model, x, target, part) for part in masks.split(CHUNK)])


def _through(model: nn.Module, x: Tensor, target: int, masks: Tensor) -> Tensor:
    """One forward and backward for all masks: the image is repeated, each copy takes its own path."""
    columns = dict(zip(residual_blocks(model), masks.T.to(x.device), strict=True))
    images = x.detach().expand(len(masks), -1, -1, -1).clone()
    is_open: dict[str, Tensor] = {}
    for name, branch in columns.items():
        block = model.get_submodule(name)
        assert isinstance(block, Residual)
        for way, mask in zip(block.ways, (branch, ~branch), strict=True):
            is_open[f"{name}.{way}"] = mask[:, None, None, None]

    def gate(layer: str, inputs: tuple[Tensor]) -> tuple[Tensor]:
        """Let the gradient of some images through to the module's input, and of the others not."""
        own = inputs[0].view_as(inputs[0])
        own.register_hook(lambda gradient: gradient * is_open[layer])
        return (own,)

    with eval_mode(model), differentiable([images]), intercept(model, is_open, gate):
        scores = model(images)
        check_target(target, len(class_scores(scores[:1])))
        loss = F.cross_entropy(
            scores, torch.full((len(masks),), target, device=x.device), reduction="sum"
        )
        return torch.autograd.grad(loss, images)[0]
