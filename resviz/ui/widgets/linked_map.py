"""A map of cells beside the photo: the box of what a cell sees follows the pointer (linked cursor).

`linked_map` is for every page that shows a map. The rest is what the receptive-field page and this
widget share: the units that are pinned, in the session and in the address, and the geometry of a
layer's fields.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from resviz.errors import ProbeError
from resviz.figures import html, raster
from resviz.figures.receptive_field.scene import CursorLabels, Grid, Pictures, Place, linked
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import dark
from resviz.ui.base.url_values import LONGEST, groups
from resviz.ui.services import models, photo_results, receptive_fields
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import clickable, linked_cursor
from resviz.ui.widgets.colour_scale import map_with_scale, scale_bar

if TYPE_CHECKING:
    from resviz.probes.receptive_field.theoretical import ReceptiveField

MOST_PINS = 5
HEAT_SIDE = 448  # pixels of the layer over the photo
MOST_CELLS = 99_999  # of a side of a map


url_state.depends_on_model("units")


@dataclass(frozen=True, slots=True)
class MapLabels:
    """What the two pictures show, for those who cannot see them."""

    photo: str
    cells: str


def linked_map(
    subject: Subject,
    layer: str | None,
    values: np.ndarray,
    scale: raster.Range,
    labels: MapLabels,
    key: str,
) -> None:
    """The positive part of a map (rows, columns) over the photo, and its cells.

    The frame is around the largest cell. Where the layer's field cannot be followed, or all cells
    are equal, there is neither cursor nor frame.
    """
    photo = raster.data_uri(raster.photo_png(photo_results.view(subject)))
    heat = raster.data_uri(raster.heat_png(values, (HEAT_SIDE, HEAT_SIDE), scale.high))
    field = _field_under(subject, layer, values)
    if field is None:
        over = html.overlay(photo, heat, labels.photo, _("Opacity"))
        board = html.pair(over, map_with_scale(values, scale, labels.cells))
        clickable.show(board, key)
        return
    grid = grid_of(field, side(subject))
    cells = raster.data_uri(raster.map_png(values, scale, dark()))
    pictures = Pictures(photo, heat, cells, labels.photo, labels.cells)
    row, column = divmod(int(values.argmax()), values.shape[1])
    texts = cursor_labels(field.through)
    board = linked(pictures, grid, [(row, column)], texts, calm=True, opacity=0.8)
    linked_cursor.mount_cursor(board + scale_bar(scale), key, pin)


def _field_under(
    subject: Subject, layer: str | None, values: np.ndarray
) -> "ReceptiveField | None":
    """The field of the layer; None where there is none, or nothing to point at."""
    if layer is None or (values == values.flat[0]).all():
        return None
    try:
        field = receptive_fields.of_layer(subject.model, side(subject), layer)
    except ProbeError:
        return None
    return field if field.units == values.shape else None


def side(subject: Subject) -> int:
    """Of the image that the model receives, in pixels."""
    return models.model(subject.model).input_size


def grid_of(field: "ReceptiveField", side: int) -> Grid:
    """The geometry of a layer's fields in an image of this side.

    Of a field that is the whole image only through a gate or a border, what it is without.
    """
    size, start = receptive_fields.own_size(field), receptive_fields.own_start(field)
    whole = field.whole_image and field.through == "map"
    grid = Grid(field.units, (side, side), size, field.stride, start, whole)
    if whole or not receptive_fields.is_uneven(field):
        return grid
    boxes = [field.box(row, 0) for row in range(field.units[0])]
    rows = tuple((top, height) for top, _left, height, _width in boxes)
    boxes = [field.box(0, column) for column in range(field.units[1])]
    columns = tuple((left, width) for _top, left, _height, width in boxes)
    return replace(grid, rows=rows, columns=columns)


def cursor_labels(through: str = "") -> CursorLabels:
    """What the cursor says about the cell under it; `through` as in `ReceptiveField`."""
    place = _(
        "Row {row}, column {column} can see rows {top} to {bottom} and columns {left} to {right};"
        " {padding}% of that is padding, outside the image."
    )
    if through == "gate":
        place = _(
            "Row {row}, column {column} can see rows {top} to {bottom} and columns {left} to"
            " {right}, {padding}% of them padding; and the whole image through a gate only."
        )
    return CursorLabels(place, opacity=_("Opacity"))


# ---- the pinned units


def pins(grid: Grid) -> tuple[Place, ...]:
    """The pinned units that this layer has; the middle one where there is none."""
    rows, columns = grid.units
    units = parse_units(url_state.chosen("units") or "")
    inside = [(row, column) for row, column in units if row < rows and column < columns]
    most = MOST_PINS if several() else 1
    return tuple(inside[-most:]) or ((rows // 2, columns // 2),)


def parse_units(text: str) -> list[Place]:
    """The units in `row,column;row,column`; what is no unit is left out."""
    places = groups(text, size=2, high=MOST_CELLS, most=LONGEST)
    return [(row, column) for row, column in places]


def pin(picked: str) -> None:
    """Remember a unit, beside the others where several are wanted; a second click removes it."""
    chosen = url_state.chosen("units") or ""
    before = [text for text in chosen.split(";") if text] if several() else []
    others = [text for text in before if text != picked]
    removed = picked in before and others
    after = others if removed else [*others[1 - MOST_PINS :], picked]
    url_state.choose("units", ";".join(after))


def several() -> bool:
    """Whether more than one unit can be pinned."""
    return url_state.chosen("several") == "True"
