"""What a network still knows without some of its blocks, or with two of them swapped.

After Veit et al. 2016, section 4: a residual block is replaced by its shortcut, a plain one by
nothing, where the shapes allow it.
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
from resviz.probes.core.entry import probe
from resviz.probes.core.hooks import eval_mode, resolve
from resviz.progress import Progress, silent
from resviz.tables import Table

Run = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Lesions:
    """Each block taken out alone: mean loss, accuracy and answers of what is left, on one batch.

    `same` is the share of images whose first guess stays; `whole_...` are of the whole network.
    """

    blocks: tuple[str, ...]
    loss: Float[np.ndarray, " blocks"]
    accuracy: Float[np.ndarray, " blocks"]
    same: Float[np.ndarray, " blocks"]
    whole_loss: float
    whole_accuracy: float

    def table(self) -> Table:
        """A row for each block that is out."""
        columns = (self.loss.tolist(), self.accuracy.tolist(), self.same.tolist())
        rows = tuple(zip(self.blocks, *columns, strict=True))
        return Table(("block out", "loss", "accuracy", "same answer as the whole"), rows)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a network says of a batch: mean cross-entropy, accuracy, and the classes it names."""

    loss: float
    accuracy: float
    classes: Int[np.ndarray, " n"]


@contextmanager
def lesioned(
    model: nn.Module, removed: Collection[str] = (), swapped: tuple[str, str] | None = None
) -> Iterator[None]:
    """Run the network without some blocks, or with two in each other's place, inside the `with`.

    A residual block y = f(F(x) + s(x)) becomes f(s(x)), a plain one y = F(x) becomes x.

    Args:
        model: one of resviz's networks; it comes back as it was.
        removed: names of blocks to take out.
        swapped: two blocks of equal shape that stand in each other's place.

    Raises:
        ProbeError: for blocks that cannot be removed or swapped.

    Example:
        >>> import resviz, torch
        >>> model, x = resviz.load("new/residual-8?width=4").model, torch.ones(1, 3, 32, 32)
        >>> with torch.no_grad(), resviz.lesioned(model, ["layer1.0"]):
        ...     scores = model(x)
        >>> scores.shape, torch.equal(scores, model(x))
        (torch.Size([1, 10]), False)

    Reference:
        Veit, Wilber and Belongie 2016, "Residual Networks Behave Like Ensembles of Relatively
        Shallow Networks", 1605.06431, section 4.
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
    return {
        name: isinstance(block, Residual) or _keeps_shape(block)
        for name, block in _blocks(model).items()
    }


@probe
def each_block(
    model: nn.Module,
    x: Float[Tensor, "n c h w"],
    targets: Int[Tensor, " n"],
    progress: Progress = silent,
) -> Lesions:
    """Loss and accuracy on a batch without each block that can be removed, one at a time.

    Raises `ProbeError` where there is none.
    """
    names = tuple(name for name, can in removable(model).items() if can)
    if not names:
        raise ProbeError(
            "this model has no block that can be taken out; choose one of resviz's networks"
        )
    whole = answers(model, x, targets)
    left = []
    for i, name in enumerate(names):
        left.append(answers(model, x, targets, [name]))
        progress((i + 1) / len(names))
    return Lesions(
        names,
        np.array([one.loss for one in left]),
        np.array([one.accuracy for one in left]),
        np.array([(one.classes == whole.classes).mean() for one in left]),
        whole.loss,
        whole.accuracy,
    )


@probe
def answers(
    model: nn.Module,
    x: Float[Tensor, "n c h w"],
    targets: Int[Tensor, " n"],
    removed: Collection[str] = (),
    swapped: tuple[str, str] | None = None,
) -> Answers:
    """Score a batch without some blocks, or with two swapped; raises as `lesioned` does."""
    with lesioned(model, removed, swapped), eval_mode(model), torch.no_grad():
        scores = model(x)
    classes = scores.argmax(1)
    accuracy = float((classes == targets).float().mean())
    # in float32 the loss of very sure answers is exactly zero
    return Answers(
        float(F.cross_entropy(scores.double(), targets)), accuracy, classes.cpu().numpy()
    )


def swappable(model: nn.Module) -> tuple[tuple[str, str], ...]:
    """Every two blocks that can stand in each other's place.

    They keep the shape and have weights of equal shapes.
    """
    blocks = _blocks(model)
    return tuple((a, b) for a, b in combinations(blocks, 2) if _alike(blocks[a], blocks[b]))


def _blocks(model: nn.Module) -> dict[str, Block]:
    return {name: module for name, module in model.named_modules() if isinstance(module, Block)}


def _block(model: nn.Module, name: str) -> Block:
    module = resolve(model, name)
    if not isinstance(module, Block):
        raise ProbeError(
            "{name} is no block of resviz's networks and cannot be taken out; choose a block",
            name=name,
        )
    return module


def _without(block: Block) -> Run:
    return block.skip if isinstance(block, Residual) else lambda x: x


def _keeps_shape(block: Block) -> bool:
    convolutions = [block.get_submodule(f"conv{i}") for i in range(1, block.layers + 1)]
    keeps_channels = bool(convolutions[0].in_channels == block.out_channels)
    return keeps_channels and all(conv.stride == (1, 1) for conv in convolutions)


def _check_removable(name: str, block: Block) -> None:
    if not isinstance(block, Residual) and not _keeps_shape(block):
        raise ProbeError(
            "{name} changes the shape and has no shortcut; a plain network cannot do without it",
            name=name,
        )


def _exchanged(
    blocks: dict[str, Block], first: str, second: str, runs: dict[str, Run]
) -> dict[str, Run]:
    """What each of two blocks runs in the other's place."""
    if not _alike(blocks[first], blocks[second]):
        raise ProbeError(
            "{a} and {b} work on different shapes and cannot be swapped; choose two of one stage",
            a=first,
            b=second,
        )
    return {
        first: runs.get(second, blocks[second].forward),
        second: runs.get(first, blocks[first].forward),
    }


def _alike(a: Block, b: Block) -> bool:
    shapes = [[parameter.shape for parameter in block.parameters()] for block in (a, b)]
    return shapes[0] == shapes[1] and _keeps_shape(a) and _keeps_shape(b)
