"""The photo with the box of a unit beside the map of cells, as HTML for `ui.widgets.linked_cursor`.

Coordinates are pixels of the image that the network receives; the picture reaches beyond it where
fields do.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape

Place = tuple[int, int]
Box = tuple[float, float, float, float]  # top, left, height, width
_MARGIN = 0.2  # of the image's side, at most, is shown around it


@dataclass(frozen=True, slots=True)
class Grid:
    """A layer's units and their fields, each down and across.

    `units`: rows and columns of the map. `side`: height and width of the image. `size`, `stride`
    and `start`: as in `ReceptiveField`. `whole`: every unit sees the whole image. `rows` and
    `columns`: first pixel and number of pixels of each unit, where neighbours differ.
    """

    units: tuple[int, int]
    side: tuple[int, int]
    size: tuple[int, int]
    stride: tuple[float, float]
    start: tuple[int, int]
    whole: bool = False
    rows: Sequence[tuple[int, int]] = ()
    columns: Sequence[tuple[int, int]] = ()

    def box(self, unit: Place) -> Box:
        """The field of a unit."""
        if self.whole:
            return 0, 0, *self.side
        if self.rows:
            down, across = self.rows[unit[0]], self.columns[unit[1]]
            return down[0], across[0], down[1], across[1]
        top, left = (self.start[i] + unit[i] * self.stride[i] for i in (0, 1))
        return top, left, *self.size

    @property
    def margin(self) -> float:
        """How far fields reach out of the image, as far as it is shown."""
        top, left, _, _ = self.box((0, 0))
        bottom, right, height, width = self.box(self.last)
        below, beside = bottom + height - self.side[0], right + width - self.side[1]
        return min(max(-top, -left, below, beside, 0), _MARGIN * max(self.side))

    @property
    def last(self) -> Place:
        """The unit in the lower right corner."""
        return self.units[0] - 1, self.units[1] - 1


@dataclass(frozen=True, slots=True)
class Pictures:
    """Addresses of the photo, of the heat over it (empty for none) and of the map, with alt
    texts.
    """

    photo: str
    heat: str
    cells: str
    photo_alt: str
    cells_alt: str


@dataclass(frozen=True, slots=True)
class CursorLabels:
    """The texts beside the cursor.

    `place` tells what a unit sees, with {row}, {column}, {top}, {bottom}, {left}, {right} and
    {padding} in it; `opacity` names the slider.
    """

    place: str
    opacity: str


def linked(
    pictures: Pictures,
    grid: Grid,
    pins: Sequence[Place],
    labels: CursorLabels,
    *,
    calm: bool = False,
    opacity: float = 0.85,
    below: str = "",
) -> str:
    """The photo with a box beside the map of cells; the box follows the pointer over the cells.

    How to read: a unit sees nothing outside its box; hatched is padding. A dashed line at the
    border of the picture says that the box goes on beyond it; the dot is the box's middle. Several
    pinned units have numbers.

    Args:
        pictures: What is drawn.
        grid: The geometry of the fields.
        pins: The units whose boxes stay, the last one bright and with its effective field.
        labels: The texts.
        calm: The photo without its surroundings, and a box only while the pointer moves.
        opacity: Of the heat, at first.
        below: HTML under the cells.
    """
    photo = _scene(pictures, grid, pins, 0.0 if calm else grid.margin)
    slider = _slider(labels.opacity, opacity) if pictures.heat else ""
    cells = _lattice(pictures, grid, pins)
    sentence = '<p class="sees muted number" aria-live="polite"></p>'
    # what the script needs to move the box without asking the server
    facts = asdict(grid) | {"pins": [list(pin) for pin in pins], "words": labels.place}
    look = "linked calm" if calm else "linked"
    return (
        f'<div class="{look}" data-linked="{escape(json.dumps(facts))}"><div class="pair">'
        f"<div>{photo}{slider}</div><div>{cells}{below}{sentence}</div></div></div>"
    )


def _slider(label: str, opacity: float) -> str:
    """The opacity of the heat."""
    return (
        f'<label class="slider"><span>{escape(label)}</span>'
        f'<input type="range" min="0" max="1" step="0.01" value="{opacity}" data-opacity=".heat">'
        "</label>"
    )


def _lattice(pictures: Pictures, grid: Grid, pins: Sequence[Place]) -> str:
    """The map of cells, which takes the focus, the keys and the pointer."""
    rows, columns = grid.units
    return (
        f'<div class="lattice" tabindex="0" role="application"'
        f' aria-label="{escape(pictures.cells_alt)}" style="aspect-ratio:{columns}/{rows}">'
        f'<img class="pixel" src="{pictures.cells}" alt="">{_marks(grid, pins)}'
        '<div class="here"></div></div>'
    )


def _scene(pictures: Pictures, grid: Grid, pins: Sequence[Place], margin: float) -> str:
    """The photo, what lies around it, and the boxes."""
    height, width = grid.side
    corner = f"{-margin:.1f} {-margin:.1f}"
    view = f"{corner} {width + 2 * margin:.1f} {height + 2 * margin:.1f}"
    place = f'x="0" y="0" width="{width}" height="{height}" preserveAspectRatio="none"'
    heat = f'<image class="heat" href="{pictures.heat}" {place}/>' if pictures.heat else ""
    pinned = grid.box(pins[-1])
    others = "".join(_rectangle("other", grid.box(pin)) for pin in pins[:-1])
    step = max(width, height) / 32
    alt = escape(pictures.photo_alt)
    return (
        f'<svg class="scene" viewBox="{view}" role="img" aria-label="{alt}">{_hatch(step)}'
        f'{_rectangle("padding", pinned)}<image href="{pictures.photo}" {place}/>{heat}'
        f'<path class="unseen" fill-rule="evenodd"/>{others}{_rectangle("box", pinned)}'
        f'<path class="cut"/><circle class="middle" r="{step / 4:g}"/>'
        f"{_numbers(grid, pins, margin)}</svg>"
    )


def _hatch(step: float) -> str:
    """The pattern of what lies in the padding."""
    return (
        f'<defs><pattern id="hatch" width="{step}" height="{step}" patternUnits="userSpaceOnUse"'
        f' patternTransform="rotate(45)"><rect width="{step}" height="{step}" class="ground"/>'
        f'<rect width="{step / 3}" height="{step}" class="stroke"/></pattern></defs>'
    )


def _numbers(grid: Grid, pins: Sequence[Place], margin: float) -> str:
    """The numbers of several units; one alone needs none."""
    if len(pins) < 2:
        return ""
    return "".join(_number(i, grid, pin, margin) for i, pin in enumerate(pins, start=1))


def _number(i: int, grid: Grid, pin: Place, margin: float) -> str:
    """In the upper left corner of the visible part of a unit's box, beside the numbers before."""
    top, left, _height, _width = grid.box(pin)
    size = max(grid.side) / 18
    x = max(left, -margin) + (i - 0.6) * size
    y = max(top, -margin) + size
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:.1f}">{i}</text>'


def _rectangle(kind: str, box: Box) -> str:
    """A box as SVG."""
    top, left, height, width = box
    return f'<rect class="{kind}" x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}"/>'


def _marks(grid: Grid, pins: Sequence[Place]) -> str:
    """Frames around the cells of the pinned units, with their numbers where there are several."""
    rows, columns = grid.units
    shape = f"width:{100 / columns:.4f}%;height:{100 / rows:.4f}%"
    marks = []
    for i, (row, column) in enumerate(pins, start=1):
        look = "pin on" if i == len(pins) else "pin"
        place = f"left:{100 * column / columns:.4f}%;top:{100 * row / rows:.4f}%;{shape}"
        number = i if len(pins) > 1 else ""
        marks.append(f'<div class="{look}" style="{place}">{number}</div>')
    return "".join(marks)
