"""A network as a drawing.

Boxes on one line from the photo to the answer, shortcuts as arcs over them.

How to read it: a box's side follows the side of its maps (logarithmic), its depth the number of
channels. An arc is a way around: solid where nothing happens on it, dashed where it has weights (a
projection), dotted where it only pads or scales. The sign where it ends says what joins: + adds,
two bars concatenate, × multiplies. A box marked ×35 stands for 35 equal blocks with their arcs.
"""

from collections.abc import Iterator, Sequence
from html import escape

from resviz.figures.architecture.placement import (
    JOIN_SPACE,
    LETTER,
    Box,
    Bridge,
    Look,
    Place,
    fitting,
    place_boxes,
    rise,
)
from resviz.figures.theme import FONT
from resviz.probes.architecture.graph import IDENTITY, PROJECTION
from resviz.probes.architecture.trace import ADD, CONCATENATE, MULTIPLY


def drawing(boxes: Sequence[Box], bridges: Sequence[Bridge], look: Look) -> str:
    """Draw the network as one SVG element.

    Args:
        boxes: from the input to the output.
        bridges: the arcs over them.
        look: sizes, colours and texts.

    Returns:
        SVG text. Elements with `data-pick` can be chosen; every text from outside is escaped.

    Raises:
        ValueError: there is no box.
    """
    if not boxes:
        raise ValueError("a drawing needs at least one box")
    places = place_boxes(boxes, look)
    above = max((rise(bridge, places) + 26 for bridge in bridges), default=0.0)
    line = max(above, look.photo_side / 2 + 4, look.height / 2 + 20)
    titles = 2 if any(box.group for box in boxes) else 0
    height = line + max(look.height, look.photo_side) / 2 + 26 + 17 * titles
    parts = [
        *_main_path(places, line, look),
        *_photo(line, look),
        *(_bridge(bridge, places, line, look) for bridge in bridges),
        *(_box(box, place, line, look) for box, place in zip(boxes, places, strict=True)),
        *_groups(boxes, places, line, look),
    ]
    return (
        f'<svg class="network" xmlns="http://www.w3.org/2000/svg" role="group"'
        f' aria-label="{escape(look.title)}" viewBox="0 0 {look.width} {height:.0f}"'
        f' width="{look.width}" height="{height:.0f}" font-family="{escape(FONT)}"'
        f' font-size="13" fill="{_ink(look.dark)}">{"".join(parts)}</svg>'
    )


def _ink(dark: bool) -> str:
    return "#e8eaed" if dark else "#22262b"


def _quiet(dark: bool) -> str:
    return "#9aa2ad" if dark else "#5f6772"


def _face(dark: bool) -> str:
    return "#2b313a" if dark else "#e9edf2"


def _main_path(places: Sequence[Place], line: float, look: Look) -> Iterator[str]:
    """The main path behind all boxes, and its arrow."""
    start, end = look.photo_space - 14, look.width - 10
    quiet = _quiet(look.dark)
    yield (
        f'<path class="main-path" d="M{start:.0f} {line:.1f}H{end - 6:.0f}" stroke="{quiet}"'
        f' stroke-width="1.5" fill="none"/>'
        f'<path d="M{end} {line:.1f}l-8 -4.5v9z" fill="{quiet}"/>'
    )


def _photo(line: float, look: Look) -> Iterator[str]:
    side = look.photo_side
    top = line - side / 2
    frame = f'x="0" y="{top:.1f}" width="{side:.0f}" height="{side:.0f}"'
    if look.photo:
        yield (
            f'<image {frame} href="{look.photo}" preserveAspectRatio="xMidYMid slice"'
            f' role="img" aria-label="{escape(look.photo_name)}"/>'
        )
    else:
        yield f'<rect {frame} rx="4" fill="{_face(look.dark)}"/>'
    name = escape(_short(look.photo_name, int(look.photo_space / LETTER)))
    y = line + side / 2 + 17
    yield f'<text x="0" y="{y:.0f}">{name}</text>'


def _box(box: Box, place: Place, line: float, look: Look) -> str:
    top = line - place.height / 2
    chosen = bool(box.key) and box.key == look.chosen
    classes = "box removed" if box.removed else "box"
    label = fitting(box, place)
    weight = ' font-weight="700"' if chosen else ""
    middle, below = place.x + place.width / 2, line + place.height / 2 + 17
    name = (
        f'<text class="name" x="{middle:.1f}" y="{below:.1f}" text-anchor="middle"{weight}>'
        f"{escape(label)}</text>"
    )
    return (
        f'<g class="{classes}{_pick(box.key, box.hint, chosen)}><title>{escape(box.hint)}</title>'
        f"{_stack(box, place, top, look)}{_front(box, place, top, chosen, look)}{name}</g>"
    )


def _pick(key: str, hint: str, chosen: bool) -> str:
    """The rest of a class attribute, and what tells browser and screen reader that it can be
    chosen.
    """
    if not key:
        return f'" aria-label="{escape(hint)}"'
    on = " on" if chosen else ""
    state = f'data-pick="{escape(key)}" aria-pressed="{str(chosen).lower()}"'
    return f'{on}" {state} aria-label="{escape(hint)}"'


def _stack(box: Box, place: Place, top: float, look: Look) -> str:
    """Edges of the maps behind the first one: more channels, more edges."""
    if box.removed:
        return ""
    edges = max(1, round(place.depth / 4)) if place.depth else 0
    stroke, face = _quiet(look.dark), _face(look.dark)
    return "".join(
        f'<rect x="{place.x + i * 4:.1f}" y="{top - i * 4:.1f}" width="{place.width:.1f}"'
        f' height="{place.height:.1f}" rx="2" fill="{face}" stroke="{stroke}"'
        ' stroke-opacity="0.45"/>'
        for i in range(edges, 0, -1)
    )


def _front(box: Box, place: Place, top: float, chosen: bool, look: Look) -> str:
    frame = f'x="{place.x:.1f}" y="{top:.1f}" width="{place.width:.1f}" height="{place.height:.1f}"'
    edge = look.colour if chosen else _quiet(look.dark)
    width = 3 if chosen else 1
    if box.removed:
        return (
            f'<rect {frame} rx="2" fill="none" stroke="{edge}" stroke-width="{width}"'
            ' stroke-dasharray="2 4"/>'
        )
    colour = box.colour or _face(look.dark)
    face = f'<rect {frame} rx="2" fill="{colour}"/>'
    if box.image:
        face += f'<image {frame} href="{box.image}" preserveAspectRatio="none" class="pixel"/>'
    return f'{face}<rect {frame} rx="2" fill="none" stroke="{edge}" stroke-width="{width}"/>'


_DASHES = {IDENTITY: "", PROJECTION: "7 5"}
_DOTS = "1.5 4.5"


def _bridge(bridge: Bridge, places: Sequence[Place], line: float, look: Look) -> str:
    """An arc; the sign at its end says how it joins the line."""
    left = places[bridge.start].right if bridge.start >= 0 else look.photo_space - 14
    left += places[bridge.start].depth if bridge.start >= 0 else 0.0
    last = places[bridge.end]
    end = last.right + last.depth + 11
    start = left + 11 if bridge.start >= 0 else (left + places[0].x) / 2
    high = rise(bridge, places)
    dash = _DASHES.get(bridge.kind, _DOTS)
    style = f' stroke-dasharray="{dash}" stroke-linecap="round"' if dash else ""
    drawn = "".join(
        f'<path d="{_curve(start, end, line, high - 7 * i)}"{style}/>'
        for i in range(min(bridge.count, 3))
    )
    chosen = bool(bridge.key) and bridge.key == look.chosen
    tag = bridge.label if len(bridge.label) * LETTER < end - start + JOIN_SPACE else ""
    return (
        f'<g class="arc {bridge.kind} {bridge.join}{_pick(bridge.key, bridge.hint, chosen)}'
        f' fill="none" stroke="{look.colour}" stroke-width="{3.4 if chosen else 2.2}">'
        f"<title>{escape(bridge.hint)}</title>{drawn}</g>"
        f"{_sign(bridge.join, end, line, look)}{_tag(tag, (start + end) / 2, line - high, look)}"
    )


def _curve(start: float, end: float, line: float, rise: float) -> str:
    """A curve from the line up to `rise` pixels over it and down again."""
    bend = min((end - start) * 0.12, 14.0)
    control = line - rise * 4 / 3  # a cubic reaches three quarters of the way to its controls
    return (
        f"M{start:.1f} {line:.1f}C{start + bend:.1f} {control:.1f} {end - bend:.1f} {control:.1f}"
        f" {end:.1f} {line:.1f}"
    )


_SIGNS = {
    ADD: "M-3.5 0h7M0 -3.5v7",
    CONCATENATE: "M-2 -3.5v7M2 -3.5v7",
    MULTIPLY: "M-2.6 -2.6l5.2 5.2M-2.6 2.6l5.2 -5.2",
}


def _sign(join: str, x: float, line: float, look: Look) -> str:
    ground = "#0e1117" if look.dark else "#ffffff"
    return (
        f'<g transform="translate({x:.1f} {line:.1f})" stroke="{look.colour}" stroke-width="1.6">'
        f'<circle r="6.5" fill="{ground}"/><path d="{_SIGNS[join]}"/></g>'
    )


def _tag(label: str, x: float, top: float, look: Look) -> str:
    """What an arc does, on its top."""
    if not label:
        return ""
    return (
        f'<text x="{x:.1f}" y="{top - 7:.1f}" text-anchor="middle" font-size="12"'
        f' fill="{_quiet(look.dark)}">{escape(label)}</text>'
    )


def _groups(
    boxes: Sequence[Box], places: Sequence[Place], line: float, look: Look
) -> Iterator[str]:
    """A line under the boxes of each group, its title and its second line."""
    y = line + look.height / 2 + 30
    for group in dict.fromkeys(box.group for box in boxes if box.group):
        inside = [p for box, p in zip(boxes, places, strict=True) if box.group == group]
        left, right = inside[0].x, inside[-1].right + inside[-1].depth
        title, second = look.groups.get(group, (group, ""))
        middle = (left + right) / 2
        yield (
            f'<path d="M{left:.1f} {y:.1f}H{right:.1f}" stroke="{_quiet(look.dark)}"'
            ' stroke-opacity="0.5"/>'
            f'<text x="{middle:.1f}" y="{y + 17:.1f}" text-anchor="middle" font-weight="600">'
            f"{escape(title)}</text>"
            f'<text x="{middle:.1f}" y="{y + 33:.1f}" text-anchor="middle" font-size="12"'
            f' fill="{_quiet(look.dark)}">{escape(second)}</text>'
        )


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
