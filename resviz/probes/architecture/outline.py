"""The outline of a network: stem, blocks in stages, head, each with its shortcuts.

A `Unit` is a piece of the main path: a block, or what lies before, between and behind blocks. Every
arc belongs to the unit in which it ends, or spans several of them.
"""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from torch import nn

from resviz.models.architectures.blocks import Block
from resviz.probes.architecture.graph import Arc, Graph
from resviz.probes.architecture.trace import ADD, Operation
from resviz.probes.core import layers

STEM, BLOCK, BETWEEN, HEAD = "stem", "block", "between", "head"


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of the main path.

    Args:
        name: of the block; else of the last module in it, whose output is the unit's.
        role: STEM, BLOCK, BETWEEN or HEAD.
        stage: blocks of one stage share it; empty for all else.
        operations: indices of all operations in it, those beside the main path too.
        output_shape: without the batch.
        parameters: of all its operations.
        arcs: the ways around a part of it, or around the whole.
        count: how many equal units it stands for.
        names: of all of them.
    """

    name: str
    role: str
    stage: str
    operations: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    arcs: tuple[Arc, ...]
    count: int = 1
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """An arc over several units, from the output of one (-1: the image) to a place in another."""

    start: int
    end: int
    arc: Arc


@dataclass(frozen=True, slots=True)
class Outline:
    """The units from the image to the answer, and the arcs over more than one of them."""

    units: tuple[Unit, ...]
    spans: tuple[Span, ...]
    input_shape: tuple[int, ...]


def residual_blocks(model: nn.Module, graph: Graph) -> tuple[str, ...]:
    """Name the modules to draw as blocks, in order.

    Ours where the model has them. Else those that hold a whole shortcut, and all others of the same
    classes; of a network without any shortcut that is added, what `resviz.blocks` names.
    """
    if any(isinstance(module, Block) for module in model.modules()):
        return layers.blocks(model)
    around = {_around(graph, arc) for arc in graph.arcs if arc.join == ADD} - {""}
    modules = dict(model.named_modules())
    classes = {type(modules[name]) for name in around}
    names = [name for name, module in modules.items() if type(module) in classes]
    known = set(names)
    outermost = [name for name in names if _owner(name.rpartition(".")[0], known) not in known]
    return tuple(outermost) or layers.blocks(model)


def _around(graph: Graph, arc: Arc) -> str:
    """The innermost module that holds an arc and all that it goes around."""
    first = bisect_right(graph.main_path, arc.start)
    inside = graph.main_path[first : bisect_right(graph.main_path, arc.end)]
    paths = [graph.operations[i].name.partition(":")[0].split(".") for i in inside]
    # the operation itself is no block, even if it is alone
    shared = paths[0][:-1] if len(paths) == 1 else paths[0]
    for path in paths[1:]:
        same = [a == b for a, b in zip(shared, path, strict=False)]
        shared = shared[: same.index(False) if False in same else len(same)]
    return ".".join(shared)


def outline(graph: Graph, blocks: Sequence[str]) -> Outline:
    """Cut the main path into units.

    Args:
        graph: what the network executes.
        blocks: names of the modules that are blocks, as `resviz.blocks` gives them; without any,
            a unit is what stands in one child of the network.

    Returns:
        All units, none folded.
    """
    known = set(blocks)
    owner = [_owner(operation.name, known) for operation in graph.operations]
    pieces = [
        (name, tuple(group)) for name, group in groupby(graph.main_path, key=lambda i: owner[i])
    ]
    inside = [name for name, _ in pieces]
    first, last = _ends(inside, blocks)
    units = tuple(
        _unit(graph, name, main, owner, _role(place, name, known, first, last))
        for place, (name, main) in enumerate(pieces)
    )
    return _with_arcs(graph, _staged(units))


def _owner(name: str, blocks: Collection[str]) -> str:
    """The block in which an operation runs; else the child of the network."""
    module = name.partition(":")[0]
    path = module
    while path:
        if path in blocks:
            return path
        path = path.rpartition(".")[0]
    return module.partition(".")[0]


def _ends(inside: Sequence[str], blocks: Sequence[str]) -> tuple[int, int]:
    """Places of the first and of the last block."""
    known = set(blocks)
    places = [place for place, name in enumerate(inside) if name in known]
    return (places[0], places[-1]) if places else (len(inside), -1)


def _role(place: int, name: str, blocks: Collection[str], first: int, last: int) -> str:
    if name in blocks:
        return BLOCK
    return STEM if place < first else HEAD if place > last else BETWEEN


def _unit(graph: Graph, name: str, main: tuple[int, ...], owner: Sequence[str], role: str) -> Unit:
    low, high = main[0], main[-1]
    mine = set(main) | {i for i in range(low, high + 1) if owner[i] == name}
    operations = [graph.operations[i] for i in sorted(mine)]
    return Unit(
        name if role == BLOCK else _last_module(operations),
        role,
        "",
        tuple(operation.index for operation in operations),
        graph.operations[high].output_shape,
        _parameters(operations),
        (),
        names=(name,),
    )


def _last_module(operations: Sequence[Operation]) -> str:
    modules = [operation.name for operation in operations if ":" not in operation.name]
    return modules[-1] if modules else operations[-1].name.lstrip(":")


def _parameters(operations: Sequence[Operation]) -> int:
    """Of all of them; a module that runs twice has its weights once."""
    return sum({operation.name: operation.parameters for operation in operations}.values())


def _staged(units: Sequence[Unit]) -> tuple[Unit, ...]:
    """Merge what is not a block with its neighbours of the same role, and name the stages."""
    merged: list[Unit] = []
    for unit in units:
        before = merged[-1] if merged else None
        alike = before is not None and unit.role != BLOCK and before.role == unit.role
        # an activation behind a block is the block's last step
        silent = before is not None and unit.role == BETWEEN and not unit.parameters
        if before is not None and (alike or silent):
            operations = before.operations + unit.operations
            parameters = before.parameters + unit.parameters
            merged[-1] = replace(
                before,
                name=before.name if before.role == BLOCK else unit.name,
                operations=operations,
                output_shape=unit.output_shape,
                parameters=parameters,
                names=before.names + unit.names,
            )
        else:
            merged.append(unit)
    return tuple(_with_stage(unit) for unit in merged)


def _with_stage(unit: Unit) -> Unit:
    if unit.role != BLOCK:
        return unit
    parent = unit.name.rpartition(".")[0]
    size = "x".join(map(str, unit.output_shape[1:]))
    # blocks of one list that change the map's size, as MobileNet's `features`, are several stages
    return replace(unit, stage=parent if parent.count(".") or _numbered(parent) else size)


def _numbered(name: str) -> bool:
    return any(letter.isdigit() for letter in name)


def _with_arcs(graph: Graph, units: tuple[Unit, ...]) -> Outline:
    where = {i: place for place, unit in enumerate(units) for i in unit.operations}
    last = {place: _last_on_main(graph, unit) for place, unit in enumerate(units)}
    own: dict[int, list[Arc]] = {}
    spans: list[Span] = []
    for arc in graph.arcs:
        start, end = where.get(arc.start, -1), where[arc.end]
        enters = start == end - 1 and (start == -1 or arc.start == last[start])
        if start == end or enters:
            own.setdefault(end, []).append(arc)
        else:
            spans.append(Span(start, end, arc))
    with_arcs = tuple(
        replace(unit, arcs=tuple(own.get(place, ()))) for place, unit in enumerate(units)
    )
    return Outline(with_arcs, tuple(spans), graph.input_shape)


def _last_on_main(graph: Graph, unit: Unit) -> int:
    members = set(unit.operations)
    return next(i for i in reversed(graph.main_path) if i in members)
