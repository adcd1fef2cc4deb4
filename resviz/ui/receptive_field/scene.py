"""The picture of the page: the photo with the box of a unit beside the cells, and the controls."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.errors import ProbeError
from resviz.figures import raster
from resviz.figures.receptive_field.effective import effective_png
from resviz.figures.receptive_field.scene import Grid, Pictures, Place, linked
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.receptive_field import ladder
from resviz.ui.services import image_batches, photo_results, receptive_fields
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import linked_cursor, linked_map
from resviz.ui.widgets.colour_scale import scale_bar
from resviz.ui.widgets.segmented import segmented

if TYPE_CHECKING:
    from resviz.probes.receptive_field.effective import EffectiveField
    from resviz.probes.receptive_field.theoretical import ReceptiveField

_ROUNDING = 1e-5  # of the largest value: a mean over channels below this is nothing but rounding


@dataclass(frozen=True, slots=True)
class Scene:
    """A layer with its theoretical field, the pinned units (the last one in full) and its output.

    `values` are (channels, rows, columns). `source`: what the effective field is measured on;
    `dataset`: which one, where that is the source.
    """

    layer: str
    field: "ReceptiveField"
    grid: Grid
    pins: tuple[Place, ...]
    values: np.ndarray
    source: str
    dataset: str

    @property
    def unit(self) -> Place:
        """The unit that was pinned last."""
        return self.pins[-1]


def default_layer(subject: Subject) -> str:
    """The last block, or window, whose field still fits into the image."""
    side = linked_map.side(subject)
    fields = receptive_fields.theoretical(subject.model, side)
    steps = ladder.steps(subject.model, side) or tuple(fields)
    fitting = [
        name
        for name in steps
        if max(receptive_fields.own_size(fields[name])) <= side and fields[name].through != "map"
    ]
    return fitting[-1] if fitting else steps[0]


def draw_other_layer(asked: str, layer: str) -> None:
    """Say that the layer in the address gives no map."""
    st.caption(
        _("{asked} gives no map in this network; this is {layer}.").format(
            asked=escaped(asked), layer=layer
        )
    )


def offer_layer(layer: str) -> None:
    """A button to a layer whose field can be followed."""
    title = _("Open {layer}").format(layer=layer)
    st.button(title, on_click=url_state.choose, args=("layer", layer))


def choose_scene(subject: Subject, layer: str) -> Scene:
    """Draw the controls over the picture, and return what they choose."""
    side = linked_map.side(subject)
    field = receptive_fields.of_layer(subject.model, side, layer)
    grid = linked_map.grid_of(field, side)
    source = _choose_source(image_batches.sources(subject.model))
    dataset = image_batches.choose_dataset(subject.model) if source == "data" else ""
    activation = photo_results.activation(subject, layer)
    values = channels_first(activation.values, grid.units)
    return Scene(layer, field, grid, linked_map.pins(grid), values, source, dataset)


def _choose_source(fitting: tuple[str, ...]) -> str:
    """What the effective field is measured on; beside it whether several units can be pinned."""
    titles = {
        "photo": _("This photo"),
        "samples": _("Samples"),
        "data": _("Dataset"),
        "noise": _("Noise"),
    }
    titles = {source: title for source, title in titles.items() if source in fitting}
    row = page.wide("inputs")
    first, second = row.columns([1.2, 1.6], gap="medium", vertical_alignment="bottom")
    with first:
        source = segmented(_("Inputs for the effective field"), titles, "photo", "inputs")
    with second:
        url_state.switch(_("Several units"), "several")
    return source


def channels_first(values: np.ndarray, units: Place) -> np.ndarray:
    """The map as (channels, rows, columns); some networks keep channels last inside."""
    if values.shape[1:] == units:
        return values
    if values.shape[:2] == units:
        return values.transpose(2, 0, 1)
    raise ProbeError(
        "the map of {rows} x {columns} units cannot be told from channels; choose another layer",
        rows=units[0],
        columns=units[1],
    )


def effective_field(subject: Subject, scene: Scene) -> "EffectiveField | None":
    """What moves the unit, on the inputs chosen; None where no pixel does."""
    if scene.source == "noise":
        side = linked_map.side(subject)
        return receptive_fields.on_noise(subject.model, side, scene.layer, scene.unit)
    if scene.source == "data":
        pictures, _others = image_batches.of_dataset(subject.model, scene.dataset)
    else:
        pictures = image_batches.of(subject, scene.source)
    with page.progress(_("Measuring what moves the unit")) as update:
        return receptive_fields.on_pictures(
            subject.model, pictures, scene.layer, scene.unit, update
        )


def draw_scene(subject: Subject, scene: Scene, effective: "EffectiveField | None") -> None:
    """The photo with the boxes and the effective field beside the map of cells."""
    mean = mean_over_channels(scene.values)
    scale = raster.value_range(mean)
    photo = raster.photo_png(photo_results.view(subject))
    pictures = Pictures(
        photo=raster.data_uri(photo),
        heat=_heat(effective),
        cells=raster.data_uri(raster.map_png(mean, scale, page.dark())),
        photo_alt=_("The photo with the field of one unit of {layer}").format(layer=scene.layer),
        cells_alt=_("The cells of {layer}: move over them, click or press Enter to pin one").format(
            layer=scene.layer
        ),
    )
    labels = linked_map.cursor_labels(scene.field.through)
    board = linked(pictures, scene.grid, scene.pins, labels, below=scale_bar(scale))
    linked_cursor.mount_cursor(board, "unit", linked_map.pin)
    if effective is None:
        st.info(
            _(
                "No pixel moves this unit: its gradient is zero everywhere."
                " Choose another unit, layer or photo."
            )
        )
    _draw_caption(scene)


def _heat(effective: "EffectiveField | None") -> str:
    """The effective field as a picture; empty where there is none."""
    if effective is None:
        return ""
    return raster.data_uri(effective_png(effective.energy, effective.size))


def mean_over_channels(values: np.ndarray) -> np.ndarray:
    """Zero where it is nothing but rounding, as behind a normalisation over channels."""
    mean: np.ndarray = values.mean(0)
    largest = np.abs(values).max()
    return mean if np.abs(mean).max() > _ROUNDING * largest else np.zeros_like(mean)


def _draw_caption(scene: Scene) -> None:
    """One line, and the rest folded."""
    st.caption(
        _("Left: what one unit of {layer} sees. Right: the cells of {layer}; click one.").format(
            layer=escaped(scene.layer)
        )
    )
    with st.expander(_("How to read this")):
        st.caption(
            _(
                "Right is the mean activation of {layer}, cell by cell. Move over it: the box in"
                " the photo shows what that cell can see, hatched in the padding, with a dashed"
                " line where it goes on beyond the picture. Click to pin a cell."
            ).format(layer=escaped(scene.layer))
        )
        st.caption(
            _(
                "The warm area, smoothed, is what really moves the pinned unit: half of it lies"
                " within the white line, 95% within the blue one."
            )
        )
        if linked_map.several():
            st.caption(
                _(
                    "Up to {most} units can be pinned; the warm area belongs to number {last}."
                    " Click a unit again to remove it."
                ).format(most=linked_map.MOST_PINS, last=len(scene.pins))
            )
