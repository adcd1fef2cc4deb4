"""The cursor on other pages: a map over the photo beside its cells; over a cell it shows the pixels that one sees."""

import numpy as np

from resviz.errors import ProbeError
from resviz.figures import html as boards
from resviz.figures import raster
from resviz.figures.receptive_field import scene
from resviz.ui.base.i18n import translate as _
from resviz.ui.receptive_field import scene as receptive_field
from resviz.ui.services import photo_results, receptive_fields
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import clickable, linked_cursor
from resviz.ui.widgets.colour_scale import map_with_scale, scale_bar

SIDE = 448  # pixels of the layer over the photo


def show(
    subject: Subject,
    layer: str | None,
    values: np.ndarray,
    scale: raster.Range,
    titles: tuple[str, str],
    key: str,
) -> None:
    """The positive part of a map (rows, columns) over the photo, and its cells; the frame is round the largest one.

    `titles` tell what both pictures show. Where the layer's field cannot be followed, or no cell
    differs from another, there is no cursor, and no frame.
    """
    photo = raster.data_uri(raster.photo_png(photo_results.view(subject)))
    heat = raster.data_uri(raster.heat_png(values, (SIDE, SIDE), scale.high))
    grid = _grid(subject, layer, values) if (values != values.flat[0]).any() else None
    if grid is None:
        over = boards.overlay(photo, heat, titles[0], _("Opacity"))
        clickable.show(boards.pair(over, map_with_scale(values, scale, titles[1])), key)
        return
    pictures = scene.Pictures(photo, heat, raster.data_uri(raster.map_png(values, scale)), *titles)
    row, column = divmod(int(values.argmax()), values.shape[1])
    html = scene.linked(
        pictures, grid, [(row, column)], receptive_field.cursor_words(), calm=True, opacity=0.8
    ) + scale_bar(scale)
    linked_cursor.show(html, key, receptive_field.pin)


def _grid(subject: Subject, layer: str | None, values: np.ndarray) -> scene.Grid | None:
    if layer is None:
        return None
    side = receptive_field.side(subject)
    try:
        grid = receptive_field.grid_of(receptive_fields.of_layer(subject.model, side, layer), side)
    except ProbeError:
        return None
    return grid if grid.units == values.shape else None
