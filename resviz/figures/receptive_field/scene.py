"""What units see, as HTML for `ui.cursor` and `ui.board`: a photo with the box of a unit beside the map it stands in,
and a ladder of layers with growing boxes.

Coordinates are pixels of the image that the network receives; the picture reaches beyond it where
fields do.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape

from resviz.figures.theme import SKY, YELLOW

_MARGIN = 0.2  # of the image's side, at most, is shown around it
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Grid:
    """A layer's units and their fields: `units`, `size`, `stride` and `start` down and across; `side` of the image."""

    units: tuple[int, int]
    side: tuple[int, int]
    size: tuple[int, int]
    stride: tuple[float, float]
    start: tuple[int, int]
    whole: bool = False

    def box(self, unit: Place) -> tuple[float, float, float, float]:
        """Top, left, height and width of a unit's field."""
        if self.whole:
            return 0, 0, *self.side
        top, left = (self.start[i] + unit[i] * self.stride[i] for i in (0, 1))
        return top, left, *self.size

    @property
    def margin(self) -> float:
        """How far fields reach out of the image, as far as it is shown."""
        (top, left, height, width), (bottom, right, _h, _w) = self.box((0, 0)), self.box(self.last)
        out = max(-top, -left, bottom + height - self.side[0], right + width - self.side[1], 0)
        return min(out, _MARGIN * max(self.side))

    @property
    def last(self) -> Place:
        return self.units[0] - 1, self.units[1] - 1


@dataclass(frozen=True, slots=True)
class Pictures:
    """Addresses of the photo, the effective field over it (empty for none) and the layer's map, with their texts."""

    photo: str
    heat: str
    cells: str
    photo_alt: str
    cells_alt: str


def linked(
    pictures: Pictures,
    grid: Grid,
    pins: Sequence[Place],
    words: Mapping[str, str],
    *,
    calm: bool = False,
    opacity: float = 0.85,
    below: str = "",
) -> str:
    """The photo with a box beside the map of cells; the box follows the pointer over the cells.

    `pins` are the units whose boxes stay, the last one bright and with its effective field.
    `words`: `place`, which tells what a unit sees, with {row}, {column}, {top}, {bottom}, {left},
    {right}, {padding}; `opacity`. `below` stands under the cells. `calm`: the photo alone, without
    what lies around it, and a box only while the pointer moves. Reading: what lies outside the box
    a unit cannot see; hatched is padding; a dashed line at the border of the picture says that the
    box goes on beyond it; the dot is the box's middle. Several pins bear numbers.
    """
    facts = asdict(grid) | {"pins": [list(pin) for pin in pins], "words": words["place"]}
    slider = (
        f'<label class="slider"><span>{escape(words["opacity"])}</span><input type="range" min="0" max="1" step="0.01"'
        f' value="{opacity}" data-opacity=".heat"></label>'
        if pictures.heat
        else ""
    )
    scene = _scene(pictures, grid, pins, 0.0 if calm else grid.margin)
    return (
        f'<div class="linked{" calm" if calm else ""}" data-linked="{escape(json.dumps(facts))}">'
        f'<div class="pair"><div>{scene}{slider}</div><div><div class="lattice" tabindex="0" role="application"'
        f' aria-label="{escape(pictures.cells_alt)}" style="aspect-ratio:{grid.units[1]}/{grid.units[0]}">'
        f'<img class="pixel" src="{pictures.cells}" alt="">{_marks(grid, pins)}<div class="here"></div></div>'
        f'{below}<p class="told muted number" aria-live="polite"></p></div></div></div>'
    )


def _scene(pictures: Pictures, grid: Grid, pins: Sequence[Place], m: float) -> str:
    height, width = grid.side
    view = f"{-m:.1f} {-m:.1f} {width + 2 * m:.1f} {height + 2 * m:.1f}"
    place = f'x="0" y="0" width="{width}" height="{height}" preserveAspectRatio="none"'
    step = max(width, height) / 32
    hatch = (
        f'<pattern id="hatch" width="{step}" height="{step}" patternUnits="userSpaceOnUse"'
        f' patternTransform="rotate(45)"><rect width="{step}" height="{step}" class="ground"/>'
        f'<rect width="{step / 3}" height="{step}" class="stroke"/></pattern>'
    )
    heat = f'<image class="heat" href="{pictures.heat}" {place}/>' if pictures.heat else ""
    others = "".join(_rectangle("other", grid.box(pin)) for pin in pins[:-1])
    numbers = (
        "".join(_number(i, grid, pin, m) for i, pin in enumerate(pins, start=1))
        if len(pins) > 1
        else ""
    )
    return (
        f'<svg class="scene" viewBox="{view}" role="img" aria-label="{escape(pictures.photo_alt)}"><defs>{hatch}</defs>'
        f'{_rectangle("padding", grid.box(pins[-1]))}<image href="{pictures.photo}" {place}/>{heat}'
        f'<path class="unseen" fill-rule="evenodd"/>{others}{_rectangle("box", grid.box(pins[-1]))}<path class="cut"/>'
        f'<circle class="middle" r="{step / 4:g}"/>{numbers}</svg>'
    )


def _number(i: int, grid: Grid, pin: Place, m: float) -> str:
    """In the upper left corner of a unit's box, or of what the picture shows of it, beside those before."""
    top, left, _height, _width = grid.box(pin)
    size = max(grid.side) / 18
    x, y = max(left, -m) + (i - 0.6) * size, max(top, -m) + size
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:.1f}">{i}</text>'


def _rectangle(kind: str, box: tuple[float, float, float, float]) -> str:
    top, left, height, width = box
    return f'<rect class="{kind}" x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}"/>'


def _marks(grid: Grid, pins: Sequence[Place]) -> str:
    """Frames around the cells of the pinned units, with their numbers where there are several."""
    rows, columns = grid.units
    shape = f"width:{100 / columns:.4f}%;height:{100 / rows:.4f}%"
    return "".join(
        f'<div class="pin{" on" if i == len(pins) else ""}"'
        f' style="left:{100 * x / columns:.4f}%;top:{100 * y / rows:.4f}%;{shape}">{i if len(pins) > 1 else ""}</div>'
        for i, (y, x) in enumerate(pins, start=1)
    )


@dataclass(frozen=True, slots=True)
class Rung:
    """A layer of the ladder: what it reports, its name, the sides of its theoretical and effective (or no) field."""

    value: str
    name: str
    size: float
    effective: float | None
    hint: str


def ladder(rungs: Sequence[Rung], side: float | None, chosen: str | None) -> str:
    """Layers from input to output, each with its field as a box, all on one scale; dashed is the image, if any."""
    scale = 96 / max([side or 1, *(rung.size for rung in rungs)])
    dashed = None if side is None else side * scale
    return f'<div class="ladder">{"".join(_rung(rung, dashed, scale, rung.value == chosen) for rung in rungs)}</div>'


def _rung(rung: Rung, side: float | None, scale: float, on: bool) -> str:
    def square(length: float, look: str) -> str:
        at = 50 - length / 2
        return (
            f'<rect x="{at:.2f}" y="{at:.2f}" width="{length:.2f}" height="{length:.2f}" {look}/>'
        )

    field = f'fill="{SKY}" fill-opacity="0.35" stroke="{SKY}" stroke-width="1.5"'
    inner = (
        square(rung.effective * scale, f'fill="{YELLOW}" fill-opacity="0.9"')
        if rung.effective
        else ""
    )
    image = square(side, """class="image" fill="none" stroke-dasharray="4 3" """) if side else ""
    return (
        f'<div class="rung{" on" if on else ""}" data-pick="{escape(rung.value)}" title="{escape(rung.hint)}"'
        f' aria-label="{escape(rung.hint)}"><svg viewBox="0 0 100 100" aria-hidden="true">'
        f"{square(rung.size * scale, field)}{inner}{image}</svg>"
        f'<p><b>{escape(rung.name)}</b><br><span class="muted number">{rung.size:g} px</span></p></div>'
    )
