"""What a network still knows without some of its blocks, or with two of them swapped: Veit et al. 2016, section 4.

A residual block is replaced by its shortcut, a plain one by nothing, where the shapes allow it.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.models.architectures.blocks import Block, Residual
from resviz.probes.core.hooks import eval_mode, resolve
from resviz.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class Lesions:
    """Each block taken out alone: what is left of a batch's mean loss, hits and answers.

    `hits` and `whole_hits` are shares of right answers, `same` the share of images whose first
    guess stays.
    """

    blocks: tuple[str, ...]
    loss: Float[np.ndarray, " blocks"]
    hits: Float[np.ndarray, " blocks"]
    same: Float[np.ndarray, " blocks"]
    whole_loss: float
    whole_hits: float


@dataclass(frozen=True, slots=True)
class Answers:
    """What a network says of a batch: mean cross-entropy, share of right answers, and the answers themselves."""

    loss: float
    hits: float
    classes: Int[np.ndarray, " n"]


@contextmanager
def lesioned(
    model: nn.Module, removed: Collection[str] = (), swapped: tuple[str, str] | None = None
) -> Iterator[None]:
    """The network without the blocks `removed`, and with two blocks in each other's place, inside the `with`.

    Raises `ProbeError` for blocks that cannot be removed or swapped; the model comes back as it
    was.
    """
    blocks = {name: _block(model, name) for name in (*removed, *(swapped or ()))}
    for name in removed:
        _check_removable(name, blocks[name])
    runs = {name: _without(blocks[name]) for name in removed}
    if swapped:
        runs |= _exchanged(blocks, *swapped, runs)
    try:
        for name, run in runs.items():
            blocks[name].forward = run
        yield
    finally:
        for name in runs:
            del blocks[name].forward


def removable(model: nn.Module) -> dict[str, bool]:
    """Our blocks in forward order, and whether the network can do without each."""
    named = {name: module for name, module in model.named_modules() if isinstance(module, Block)}
    return {
        name: isinstance(block, Residual) or _keeps_shape(block) for name, block in named.items()
    }


def each_block(
    model: nn.Module,
    x: Float[Tensor, "n c h w"],
    targets: Int[Tensor, " n"],
    progress: Progress = silent,
) -> Lesions:
    """Loss and hits on a batch for each block that can be removed, one at a time; raises `ProbeError` without any."""
    names = tuple(name for name, can in removable(model).items() if can)
    if not names:
        raise ProbeError(
            "this model has no block that can be taken out; choose one of resviz's networks"
        )
    whole, found = answers(model, x, targets), []
    for i, name in enumerate(names):
        left = answers(model, x, targets, [name])
        found.append((left.loss, left.hits, (left.classes == whole.classes).mean()))
        progress((i + 1) / len(names))
    loss, hits, same = np.array(found).T
    return Lesions(names, loss, hits, same, whole.loss, whole.hits)


def answers(
    model: nn.Module,
    x: Float[Tensor, "n c h w"],
    targets: Int[Tensor, " n"],
    removed: Collection[str] = (),
    swapped: tuple[str, str] | None = None,
) -> Answers:
    """What the network says of a batch without some blocks, or with two swapped; raises as `lesioned` does."""
    with lesioned(model, removed, swapped), eval_mode(model), torch.no_grad():
        scores = model(x)
    classes = scores.argmax(1)
    hits = float((classes == targets).float().mean())
    return Answers(float(F.cross_entropy(scores.double(), targets)), hits, classes.cpu().numpy())


def swappable(model: nn.Module) -> tuple[tuple[str, str], ...]:
    """Every two blocks that can stand in each other's place: they keep the shape and have weights of equal shapes."""
    blocks = {name: module for name, module in model.named_modules() if isinstance(module, Block)}
    return tuple((a, b) for a, b in combinations(blocks, 2) if _alike(blocks[a], blocks[b]))


def _block(model: nn.Module, name: str) -> Block:
    module = resolve(model, name)
    if not isinstance(module, Block):
        raise ProbeError(
            "{name} is no block of resviz's networks and cannot be taken out; choose a block",
            name=name,
        )
    return module


def _without(block: Block) -> Callable[[Tensor], Tensor]:
    return block.skip if isinstance(block, Residual) else lambda x: x


def _keeps_shape(block: Block) -> bool:
    first = block.get_submodule("conv1")
    strides = (block.get_submodule(f"conv{i}").stride for i in range(1, block.layers + 1))
    return bool(first.in_channels == block.out_channels) and all(
        stride == (1, 1) for stride in strides
    )


def _check_removable(name: str, block: Block) -> None:
    if not isinstance(block, Residual) and not _keeps_shape(block):
        raise ProbeError(
            "{name} changes the shape and has no shortcut; a plain network cannot do without it",
            name=name,
        )


def _exchanged(
    blocks: dict[str, Block], a: str, b: str, runs: dict[str, Callable[[Tensor], Tensor]]
) -> dict[str, Callable[[Tensor], Tensor]]:
    if not _alike(blocks[a], blocks[b]):
        raise ProbeError(
            "{a} and {b} work on different shapes and cannot be swapped; choose two of one stage",
            a=a,
            b=b,
        )
    return {a: runs.get(b, blocks[b].forward), b: runs.get(a, blocks[a].forward)}


def _alike(a: Block, b: Block) -> bool:
    shapes = [[p.shape for p in block.parameters()] for block in (a, b)]
    return shapes[0] == shapes[1] and _keeps_shape(a) and _keeps_shape(b)
