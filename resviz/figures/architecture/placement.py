"""Where everything stands in the drawing of a network: boxes, arcs and how much of a name fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log2
from types import MappingProxyType

from resviz.figures.theme import RESIDUAL
from resviz.probes.architecture.graph import IDENTITY
from resviz.probes.architecture.trace import ADD


@dataclass(frozen=True, slots=True)
class Box:
    """A box on the line.

    Args:
        key: what a click reports; empty for what cannot be chosen.
        name: written below it.
        shape: of its output, without the batch; three numbers are a stack of maps.
        hint: told under the pointer and by a screen reader.
        group: boxes of one group share a line with its title; empty for none.
        count: how many equal ones it stands for.
        image: a small picture of its output as a data address; empty for none.
        colour: of its face, where no image is; empty for none.
        removed: drawn as a place that is empty.
    """

    key: str
    name: str
    shape: tuple[int, ...]
    hint: str
    group: str = ""
    count: int = 1
    image: str = ""
    colour: str = ""
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Bridge:
    """An arc from behind the box `start` (-1: the photo) to the end of the box `end`.

    Args:
        join: ADD, CONCATENATE or MULTIPLY.
        kind: how it is drawn, as `graph.Arc.kind` names it.
        label: written on it, such as 1x1 /2.
        hint: told under the pointer.
        count: how many such arcs there are.
        key: what a click on it reports; empty for what cannot be chosen.
    """

    start: int
    end: int
    join: str = ADD
    kind: str = IDENTITY
    label: str = ""
    hint: str = ""
    count: int = 1
    key: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What surrounds the boxes: sizes in pixels, colours, pictures.

    Args:
        title: what the drawing shows, for a screen reader.
        width: of the whole drawing.
        height: of the largest box.
        photo: data address of the picture at the left; empty for a plain frame.
        photo_name: what it is.
        chosen: key of the chosen box.
        colour: of the arcs: residual blue, or another family's.
        dark: the theme.
        groups: group -> the two lines under it.
    """

    title: str
    width: int = 1100
    height: int = 92
    photo: str = ""
    photo_name: str = ""
    chosen: str = ""
    colour: str = RESIDUAL
    dark: bool = False
    groups: Mapping[str, tuple[str, str]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def photo_side(self) -> float:
        """Side of the photo: a little more than the largest box."""
        return min(1.15 * self.height, 110.0)

    @property
    def photo_space(self) -> float:
        """What the photo takes of the width, with the space behind it."""
        return self.photo_side + 16.0


@dataclass(frozen=True, slots=True)
class Place:
    """Left edge, width, height and depth of a box; it stands on the line with its middle."""

    x: float
    width: float
    height: float
    depth: float

    @property
    def right(self) -> float:
        return self.x + self.width


JOIN_SPACE, END_SPACE = 26.0, 22.0
LETTER = 7.4  # pixels; about what a letter takes at 13 pixels


def place_boxes(boxes: Sequence[Box], look: Look) -> list[Place]:
    """Put the boxes side by side; what is too wide for the drawing is made smaller together."""
    sizes = [_size(box, boxes, look) for box in boxes]
    room = look.width - look.photo_space - END_SPACE
    least = min(JOIN_SPACE, 0.5 * room / len(boxes))
    wanted = sum(width + depth for width, _, depth in sizes)
    factor = min(1.0, (room - least * len(boxes)) / wanted)
    gap = (room - wanted * factor) / len(boxes)
    places, x = [], look.photo_space + gap / 2
    for width, height, depth in sizes:
        tall = height if width < height else height * factor  # what is no map is a bar
        places.append(Place(x, width * factor, tall, depth * factor))
        x += (width + depth) * factor + gap
    return places


def _size(box: Box, boxes: Sequence[Box], look: Look) -> tuple[float, float, float]:
    """Width, height and depth: logarithms of map side and channels, between a third and all."""
    maps = [other.shape for other in boxes if len(other.shape) == 3]
    if len(box.shape) != 3 or not maps:
        return 14.0, look.height * 0.9, 0.0
    sides = [log2(max(shape[-1], 1)) for shape in maps]
    low, high = min(sides), max(sides)
    share = (log2(max(box.shape[-1], 1)) - low) / (high - low) if high > low else 1.0
    side = look.height * (0.45 + 0.55 * share)
    channels = [log2(max(shape[0], 1)) for shape in maps]
    least, most = min(channels), max(channels)
    deep = (log2(max(box.shape[0], 1)) - least) / (most - least) if most > least else 0.0
    return side, side, 4.0 + 12.0 * deep


def rise(bridge: Bridge, places: Sequence[Place]) -> float:
    """How far an arc gets from the line: over all boxes that it spans."""
    spanned = places[bridge.start + 1 : bridge.end + 1]
    tall = max(place.height + 2 * place.depth for place in spanned)
    return tall / 2 + 20 + min(8 * (bridge.end - bridge.start - 1), 24)


def fitting(box: Box, place: Place) -> str:
    """Give the name as far as there is room, its end first: siblings differ there."""
    many = f" \N{MULTIPLICATION SIGN}{box.count}" if box.count > 1 else ""
    most = max(4, int((place.width + place.depth + JOIN_SPACE - 4) / LETTER) - len(many))
    if len(box.name) <= most:
        return box.name + many
    return f"\N{HORIZONTAL ELLIPSIS}{box.name[len(box.name) - most + 1 :]}{many}"
