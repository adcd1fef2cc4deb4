"""The graph of what a network executes.

Its operations, the main path, and every way around a part of it.

It is made from what was executed (`trace`), so a shortcut is found wherever it is written: in a
block of ours, in torchvision's, or in somebody's own `forward`.

    main path   from the input to the output along as many operations with weights as possible
    arc         what joins the main path from the side: it starts at an earlier operation of the
                main path and ends at the operation that adds, concatenates or multiplies it
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from torch import nn

from resviz.errors import ProbeError
from resviz.probes.architecture.trace import MULTIPLY, Operation, trace
from resviz.probes.core.layers import image_channels

IDENTITY, SCALED, PADDED, PROJECTION = "identity", "scaled", "padded", "projection"


@dataclass(frozen=True, slots=True)
class Arc:
    """A way around a part of the main path.

    Args:
        start: index of the operation it leaves, -1 for the network's input.
        end: index of the operation at which it joins the main path again.
        join: how it does: ADD, CONCATENATE or MULTIPLY.
        kind: IDENTITY where nothing happens on it, SCALED where numbers change and the shape does
            not, PADDED where the shape does without weights (option A of He et al. 2015, section
            3.3), PROJECTION where there are weights.
        through: indices of the operations on it.
    """

    start: int
    end: int
    join: str
    kind: str
    through: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """All operations in the order of execution, the indices of the main path, and the arcs over
    it.
    """

    operations: tuple[Operation, ...]
    main_path: tuple[int, ...]
    arcs: tuple[Arc, ...]
    input_shape: tuple[int, ...]


def graph(model: nn.Module, input_size: int) -> Graph:
    """Trace what `model` executes for one image.

    Args:
        model: any network that takes one image tensor; it is left as it was.
        input_size: side of the image in pixels; it has as many channels as the first convolution
            takes.

    Returns:
        The graph of the operations between image and output. Of several outputs the last one
        counts that was computed.

    Raises:
        ProbeError: the network does not run on such an image, or its output does not depend on it
            by anything that torch sees.

    Example:
        >>> from resviz.models import zoo
        >>> found = graph(zoo.load("new/residual-8").model, 32)
        >>> [arc.kind for arc in found.arcs]
        ['identity', 'padded', 'padded']

    Reference:
        He et al. 2015, "Deep Residual Learning for Image Recognition", arXiv 1512.03385, Fig. 3.
    """
    shape = (image_channels(model), input_size, input_size)
    traced = trace(model, shape)
    operations = traced.operations
    if not traced.outputs:
        raise ProbeError("the output of this network does not depend on the image")
    main = _main_path(operations, traced.outputs[-1])
    return Graph(operations, main, tuple(_arcs(operations, main)), shape)


def _main_path(operations: Sequence[Operation], last: int) -> tuple[int, ...]:
    """From the input to `last` by the longest way; weights count first, then operations."""
    lengths: dict[int, tuple[int, int]] = {-1: (0, 0)}
    before: dict[int, int] = {}
    for operation in operations:
        best = _followed(operation, operations, lengths)
        weighted, count = lengths[best]
        before[operation.index] = best
        lengths[operation.index] = (weighted + bool(operation.parameters), count + 1)
    path = [last]
    while before[path[-1]] != -1:
        path.append(before[path[-1]])
    return tuple(reversed(path))


def _followed(
    operation: Operation,
    operations: Sequence[Operation],
    lengths: Mapping[int, tuple[int, int]],
) -> int:
    """Choose the input that the main path comes from.

    A gate is no part of it, however many weights it has: of a product that is the smaller factor.
    """
    inputs = _without_gates(operation, operations)
    return max(inputs, key=lambda i: lengths[i])


def _without_gates(operation: Operation, operations: Sequence[Operation]) -> tuple[int, ...]:
    if operation.join != MULTIPLY:
        return operation.inputs
    cells = {i: prod(operations[i].output_shape[1:]) if i >= 0 else 0 for i in operation.inputs}
    return tuple(i for i in operation.inputs if cells[i] == max(cells.values()))


def _arcs(operations: Sequence[Operation], main: Sequence[int]) -> Iterator[Arc]:
    """What joins the main path from the side, in the order of its joining."""
    place = {index: i for i, index in enumerate((-1, *main))}
    before = dict(zip(main, (-1, *main), strict=False))
    for index in main:
        operation = operations[index]
        if not operation.join:
            continue
        for side in dict.fromkeys(operation.inputs):
            if side != before[index]:
                start, through = _back_to(side, operations, place)
                kind = _kind(operations, start, through)
                yield Arc(start, index, operation.join, kind, through)


def _back_to(
    side: int, operations: Sequence[Operation], place: Mapping[int, int]
) -> tuple[int, tuple[int, ...]]:
    """Follow a side way back to the main path: where it left, and what is on it.

    Where it comes from several places, it is followed to the latest of them.
    """
    through: list[int] = []
    while side not in place:
        through.append(side)
        inputs = _without_gates(operations[side], operations)
        # a gate is computed from what it multiplies, so it comes later
        side = min(inputs) if operations[side].join == MULTIPLY else max(inputs)
    return side, tuple(reversed(through))


def _kind(operations: Sequence[Operation], start: int, through: Sequence[int]) -> str:
    changing = [operations[i] for i in through if operations[i].kind not in _SILENT]
    if not changing:
        return IDENTITY
    if any(operation.parameters > 1 for operation in changing):
        return PROJECTION
    same = start >= 0 and changing[-1].output_shape == operations[start].output_shape
    return SCALED if same else PADDED


# modules and calls that hand on what they get, in evaluation mode
_SILENT = {"Identity", "Tap", "Dropout", "Dropout2d", "DropPath", "StochasticDepth"}
_SILENT |= {"clone", "contiguous", "view_as", "to", "detach", "dropout"}
