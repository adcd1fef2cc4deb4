"""Where branches meet: the union of the fields along one axis."""

from math import lcm

from resviz.probes.receptive_field.axis import Axis, Edge, hull


def union(a: Axis, b: Axis, units: int) -> Axis:
    """Where two branches meet in a map of so many units: all that either sees."""
    if a is b or a == b:
        return a
    if a.whole or b.whole:
        return _union_of_whole(a, b)
    if a.exact is not None or b.exact is not None:
        return _union_of_exact(a, b, units)
    if a.first.step == b.first.step and len(a.first.table) == len(b.first.table) == 1:
        return _union_of_even(a, b)
    return _union_of_tables(a, b, units)


def _union_of_even(a: Axis, b: Axis) -> Axis:
    """In both all units see fields of one size, as far apart: so in most networks always."""
    (i, step), (j, _), (k, _), (m, _) = a.first, b.first, a.last, b.last
    centred = i[0] + k[0] == j[0] + m[0]
    edges = Edge(min(i, j), step), Edge(max(k, m), step)
    return _joined(a, b, edges, centred, a.local and b.local)


def _union_of_whole(a: Axis, b: Axis) -> Axis:
    """One of the branches sees the whole image; a unit's place is that in the other one."""
    placed = a if b.whole and (not a.whole or a.first.rate >= b.first.rate) else b
    union = _joined(a, b, (placed.first, placed.last), True, False)
    # a gate scales a map by what all units share; only then can its field be told apart
    by_gate = [not axis.whole or axis.gated or axis.shared for axis in (a, b)]
    gated = all(by_gate) and not (a.shared and b.shared)
    return union._replace(whole=True, gated=gated)


def _union_of_exact(a: Axis, b: Axis, units: int) -> Axis:
    """Padding repeats pixels: unit by unit."""
    inside = union(a._replace(exact=None), b._replace(exact=None), units)
    exact = tuple(hull([a.interval(unit), b.interval(unit)]) for unit in range(units))
    return inside._replace(exact=exact)


def _union_of_tables(a: Axis, b: Axis, units: int) -> Axis:
    """Fields of neighbours differ in size: unit by unit, until both repeat."""
    even = a.first.step * len(b.first.table) == b.first.step * len(a.first.table)
    period = lcm(len(a.first.table), len(b.first.table)) if even else units
    step = max(edge(period) - edge(0) for edge in (a.first, b.first))
    pairs = [(a.first(i), b.first(i), a.last(i), b.last(i)) for i in range(period)]
    first = Edge(tuple(min(i, j) for i, j, _, _ in pairs), step)
    last = Edge(tuple(max(k, m) for _, _, k, m in pairs), step)
    centred = all(i + k == j + m for i, j, k, m in pairs)
    return _joined(a, b, (first, last), even and centred, a.local and b.local and even)


def _joined(a: Axis, b: Axis, edges: tuple[Edge, Edge], centred: bool, local: bool) -> Axis:
    """Two branches with these edges together."""
    aligned = a.aligned and b.aligned and centred
    least, most = min(a.least, b.least), max(a.most, b.most)
    return Axis(*edges, False, aligned, least, most, local)
