"""The outline at a fold: runs of equal blocks become one unit that counts for all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from resviz.probes.architecture.outline import BLOCK, Outline, Unit


def fold(whole: Outline, most: int = 24) -> Outline:
    """Fold runs of equal blocks until at most `most` units are left, or nothing more is equal.

    The longest runs go first. Arcs between units never disappear: one from or to a folded unit
    starts or ends at the unit that stands for it.
    """
    runs = list(_runs(whole))
    folded = _longest(runs, len(whole.units) - most)
    units: list[Unit] = []
    place: dict[int, int] = {-1: -1}
    for start, count in runs:
        members = whole.units[start : start + count]
        merged = [_merge(members)] if start in folded else list(members)
        for i in range(count):
            place[start + i] = len(units) + (0 if start in folded else i)
        units += merged
    spans = {(place[s.start], place[s.end], s.arc.join, s.arc.kind): s for s in whole.spans}
    moved = [replace(s, start=a, end=b) for (a, b, *_), s in spans.items() if a != b]
    return Outline(tuple(units), tuple(moved), whole.input_shape)


def _longest(runs: Sequence[tuple[int, int]], excess: int) -> set[int]:
    """First places of the runs to fold, so that so many units are saved."""
    folded: set[int] = set()
    for start, count in sorted(runs, key=lambda run: -run[1]):
        if excess <= 0:
            break
        if count > 1:
            folded.add(start)
            excess -= count - 1
    return folded


def _runs(whole: Outline) -> Iterator[tuple[int, int]]:
    """First place and length of each run of equal units; what is no block stands alone."""
    start = 0
    for _, group in groupby(range(len(whole.units)), key=lambda i: _look(whole.units[i], i)):
        count = len(list(group))
        yield start, count
        start += count


def _look(unit: Unit, place: int) -> object:
    if unit.role != BLOCK:
        return place
    arcs = tuple((arc.join, arc.kind) for arc in unit.arcs)
    return unit.stage, unit.output_shape, unit.parameters, arcs


def _merge(members: Sequence[Unit]) -> Unit:
    first = members[0]
    names = tuple(name for unit in members for name in unit.names)
    parameters = sum(unit.parameters for unit in members)
    return replace(first, count=len(members), names=names, parameters=parameters)
