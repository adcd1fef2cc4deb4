"""From an outline to boxes and arcs: the whole network in blocks, or one block from inside."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType

from resviz.figures.architecture.placement import Box, Bridge
from resviz.probes.architecture.graph import (
    IDENTITY,
    PADDED,
    PROJECTION,
    SCALED,
    Arc,
    Graph,
)
from resviz.probes.architecture.outline import BETWEEN, HEAD, STEM, Outline, Unit
from resviz.probes.architecture.trace import ADD, CONCATENATE, MULTIPLY, Operation

HIDDEN = {"Identity", "Tap", "Dropout", "view", "contiguous"}  # not drawn inside a block


@dataclass(frozen=True, slots=True)
class Labels:
    """The texts of the drawing; what stands in braces is filled in."""

    stem: str = "stem"
    between: str = "transition"
    head: str = "head"
    unit: str = "{name}: output {shape}, {parameters:,} parameters"
    folded: str = (
        "{count} equal blocks, {first} to {last}: output {shape}, {parameters:,} parameters"
    )
    operation: str = "{name}: {kind}, output {shape}"
    identity: str = "identity shortcut"
    scaled: str = "scaled shortcut"
    padded: str = "shortcut padded with zeros, without weights"
    projection: str = "projection shortcut, with weights"
    gate: str = "gate"
    branch: str = "parallel branch, concatenated"
    several: str = "{count} connections"


@dataclass(frozen=True, slots=True)
class Faces:
    """What the boxes show.

    A picture or a colour by the name of the layer, and which can be chosen.
    """

    images: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    colours: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    pickable: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


Parts = tuple[tuple[Box, ...], tuple[Bridge, ...]]


def whole(outline: Outline, graph: Graph, labels: Labels, faces: Faces) -> Parts:
    """Boxes and arcs of all units of the outline, folded or not."""
    boxes = tuple(_box(unit, labels, faces) for unit in outline.units)
    own = [
        bridge
        for place, unit in enumerate(outline.units)
        for bridge in _bridges(unit, place, graph, labels, faces)
    ]
    spans = [
        Bridge(span.start, span.end, span.arc.join, span.arc.kind, hint=_says(span.arc, labels))
        for span in outline.spans
    ]
    return boxes, (*own, *spans)


def inside(unit: Unit, graph: Graph, labels: Labels, faces: Faces) -> Parts:
    """Boxes and arcs of the operations of one unit; steps that change nothing are left out."""
    members = set(unit.operations)
    main = [i for i in graph.main_path if i in members]
    drawn = [i for i in main if graph.operations[i].kind not in HIDDEN]
    boxes = tuple(_step(graph.operations[i], labels, faces) for i in drawn)
    bridges = [_inner(arc, drawn, graph, labels, faces) for arc in unit.arcs if arc.end in drawn]
    return boxes, tuple(bridges)


def shape_of(shape: Sequence[int]) -> str:
    return "\N{MULTIPLICATION SIGN}".join(map(str, shape))


def _box(unit: Unit, labels: Labels, faces: Faces) -> Box:
    short = {STEM: labels.stem, BETWEEN: labels.between, HEAD: labels.head}
    text = labels.folded if unit.count > 1 else labels.unit
    hint = text.format(
        name=unit.name,
        count=unit.count,
        first=unit.names[0],
        last=unit.names[-1],
        shape=shape_of(unit.output_shape),
        parameters=unit.parameters,
    )
    return Box(
        unit.name if unit.name in faces.pickable else "",
        short.get(unit.role) or unit.name.rpartition(".")[2],
        unit.output_shape,
        hint,
        unit.stage,
        unit.count,
        faces.images.get(unit.name, ""),
        faces.colours.get(unit.name, ""),
        unit.name in faces.removed,
    )


def _bridges(
    unit: Unit, place: int, graph: Graph, labels: Labels, faces: Faces
) -> Iterator[Bridge]:
    """One arc for all of a kind; gates are seen in the opened block only."""
    outer = [arc for arc in unit.arcs if arc.join != MULTIPLY]
    for _, group in groupby(sorted(outer, key=_kind), key=_kind):
        arcs = list(group)
        count = len(arcs) * unit.count
        several = labels.several.format(count=len(arcs))
        label = several if len(arcs) > 1 else _window(arcs[0], graph)
        says = _says(arcs[0], labels)
        hint = f"{unit.name}: {says}" + (f", {several}" if len(arcs) > 1 else "")
        key = "" if len(arcs) > 1 else _last_layer(arcs[0], graph, faces)
        yield Bridge(place - 1, place, arcs[0].join, arcs[0].kind, label, hint, count, key)


def _kind(arc: Arc) -> tuple[str, str]:
    return arc.join, arc.kind


def _says(arc: Arc, labels: Labels) -> str:
    if arc.join == MULTIPLY:
        return labels.gate
    if arc.join == CONCATENATE:
        return labels.branch
    return {
        IDENTITY: labels.identity,
        SCALED: labels.scaled,
        PADDED: labels.padded,
        PROJECTION: labels.projection,
    }[arc.kind]


def _window(arc: Arc, graph: Graph) -> str:
    """Kernel and stride of the first convolution or pooling on an arc."""
    windows = (graph.operations[i].window for i in arc.through)
    return next((window for window in windows if window), "")


def _last_layer(arc: Arc, graph: Graph, faces: Faces) -> str:
    """The last module on an arc that can be chosen."""
    names = [graph.operations[i].name for i in arc.through]
    return next((name for name in reversed(names) if name in faces.pickable), "")


def _step(operation: Operation, labels: Labels, faces: Faces) -> Box:
    module = operation.name.partition(":")[0] if ":" not in operation.name else ""
    name = operation.name.rpartition(":")[2].rpartition(".")[2]
    shape = shape_of(operation.output_shape)
    hint = labels.operation.format(name=operation.name, kind=operation.kind, shape=shape)
    return Box(
        module if module in faces.pickable else "",
        name,
        operation.output_shape,
        f"{hint} {operation.window}".rstrip(),
        image=faces.images.get(module, ""),
        colour=faces.colours.get(module, ""),
    )


def _inner(arc: Arc, drawn: Sequence[int], graph: Graph, labels: Labels, faces: Faces) -> Bridge:
    """An arc between operations of the block; -1 is the block's input."""
    before = [place for place, index in enumerate(drawn) if index <= arc.start]
    start = before[-1] if before else -1
    return Bridge(
        start,
        drawn.index(arc.end),
        arc.join or ADD,
        arc.kind,
        _window(arc, graph),
        _says(arc, labels),
        1,
        _last_layer(arc, graph, faces),
    )
