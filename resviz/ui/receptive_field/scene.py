"""The page on receptive fields: the photo with a unit's box and the linked cursor, and what the unit says."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.errors import ProbeError
from resviz.figures import html as boards
from resviz.figures import raster
from resviz.figures.receptive_field import scene as drawings
from resviz.figures.receptive_field.effective import effective_png
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped
from resviz.ui.receptive_field import ladder
from resviz.ui.services import image_batches, models, photo_results, receptive_fields
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import clickable, linked_cursor
from resviz.ui.widgets.colour_scale import scale_bar

if TYPE_CHECKING:
    from resviz.probes.receptive_field.effective import EffectiveField
    from resviz.probes.receptive_field.theoretical import ReceptiveField

INPUTS = ("photo", "samples", "data", "noise")
MOST_PINS, STRONGEST = 5, 5
Place = tuple[int, int]
url_state.depends_on_model("units")


@dataclass(frozen=True, slots=True)
class Scene:
    """A layer with its theoretical field, the units that are pinned (the last one in full) and its output."""

    layer: str
    field: "ReceptiveField"
    grid: drawings.Grid
    pins: tuple[Place, ...]
    values: np.ndarray  # (channels, rows, columns)
    source: str
    data: str  # the dataset, where that is the source

    @property
    def unit(self) -> Place:
        return self.pins[-1]


def side(subject: Subject) -> int:
    """Of the image that the model receives, in pixels."""
    return models.model(subject.model).input_size


def default_layer(subject: Subject) -> str:
    """The last block, or window, whose field still fits into the image."""
    found = receptive_fields.theoretical(subject.model, side(subject))
    blocks = ladder.steps(subject.model, side(subject)) or tuple(found)
    inside = [
        name
        for name in blocks
        if max(found[name].size) <= side(subject) and not found[name].whole_image
    ]
    return (inside or blocks)[-1] if inside else blocks[0]


def show(subject: Subject, layer: str, default: str) -> None:
    """The picture and what it says of the pinned unit; a layer without fields has a way to one that has some."""
    asked = url_state.chosen("layer")
    if asked and asked != layer:
        st.caption(
            _("{asked} gives no map in this network; this is {layer}.").format(
                asked=escaped(asked), layer=layer
            )
        )
    try:
        scene = choose(subject, layer)
        found = effective(subject, scene)
    except ProbeError as refusal:
        page.refuse(refusal)
        st.button(
            _("Open {layer}").format(layer=default),
            on_click=url_state.choose,
            args=("layer", default),
        )
        return
    show_unit(subject, scene, found)
    show_facts(subject, scene, found)


def choose(subject: Subject, layer: str) -> Scene:
    """The controls over the picture, and what they choose."""
    field = receptive_fields.of_layer(subject.model, side(subject), layer)
    grid = grid_of(field, side(subject))
    first, second = page.wide("inputs").columns(
        [1.2, 1.6], gap="medium", vertical_alignment="bottom"
    )
    with first:
        source = url_state.pick(
            st.segmented_control,
            _("What moves the unit, measured on"),
            INPUTS,
            "photo",
            "inputs",
            required=True,
            format_func=_source_title,
            wrap=True,
        )
    with second:
        url_state.switch(_("Several units"), "several")
    data = image_batches.choose_dataset(subject.model) if source == "data" else ""
    activation = photo_results.activation(subject, layer)
    return Scene(
        layer,
        field,
        grid,
        _pins(grid),
        _channels_first(activation.values, grid.units),
        source,
        data,
    )


def _source_title(source: str) -> str:
    return {
        "photo": _("This photo"),
        "samples": _("Samples"),
        "data": _("Dataset"),
        "noise": _("Noise"),
    }[source]


def grid_of(field: "ReceptiveField", side: int) -> drawings.Grid:
    return drawings.Grid(
        field.units, (side, side), field.size, field.stride, field.start, field.whole_image
    )


def _channels_first(values: np.ndarray, units: Place) -> np.ndarray:
    """Some networks keep channels last inside."""
    if values.shape[1:] == units:
        return values
    if values.shape[:2] == units:
        return values.transpose(2, 0, 1)
    raise ProbeError(
        "the map of {rows} x {columns} units cannot be told from channels; choose another layer",
        rows=units[0],
        columns=units[1],
    )


def _pins(grid: drawings.Grid) -> tuple[Place, ...]:
    """The units in the address that this layer has, the last one alone unless several are wanted; else the middle."""
    found, most = [], MOST_PINS if _several() else 1
    for text in (url_state.chosen("units") or "").split(";"):
        row, _comma, column = text.partition(",")
        if (
            row.isdecimal()
            and column.isdecimal()
            and int(row) < grid.units[0]
            and int(column) < grid.units[1]
        ):
            found.append((int(row), int(column)))
    return tuple(found[-most:]) or ((grid.units[0] // 2, grid.units[1] // 2),)


def pin(picked: str) -> None:
    """Remember a unit; where several are wanted beside the others, and one that is clicked again goes away."""
    before = (
        [text for text in (url_state.chosen("units") or "").split(";") if text]
        if _several()
        else []
    )
    others = [text for text in before if text != picked]
    kept = others if picked in before and others else [*others[1 - MOST_PINS :], picked]
    url_state.choose("units", ";".join(kept))


def _several() -> bool:
    return url_state.chosen("several") == "True"


def effective(subject: Subject, scene: Scene) -> "EffectiveField | None":
    """What moves the unit, on the inputs chosen."""
    if scene.source == "noise":
        return receptive_fields.on_noise(subject.model, side(subject), scene.layer, scene.unit)
    if scene.source == "data":
        shown, _others = image_batches.of_dataset(subject.model, scene.data)
    else:
        shown = image_batches.of(subject, scene.source)
    with page.progress(_("Measuring what moves the unit")) as update:
        return receptive_fields.on_pictures(subject.model, shown, scene.layer, scene.unit, update)


def show_unit(subject: Subject, scene: Scene, found: "EffectiveField | None") -> None:
    """The photo with the box beside the map of cells."""
    heat = raster.data_uri(effective_png(found.energy, found.size)) if found else ""
    mean = _mean(scene.values)
    scale = raster.value_range(mean)
    pictures = drawings.Pictures(
        raster.data_uri(raster.photo_png(photo_results.view(subject))),
        heat,
        raster.data_uri(raster.map_png(mean, scale)),
        _("The photo with the field of one unit of {layer}").format(layer=scene.layer),
        _("The cells of {layer}: move over them, click or press Enter to pin one").format(
            layer=scene.layer
        ),
    )
    html = drawings.linked(pictures, scene.grid, scene.pins, cursor_words(), below=scale_bar(scale))
    linked_cursor.show(html, "unit", pin)
    if found is None:
        st.info(
            _(
                "No pixel moves this unit: its gradient is zero everywhere. Choose another unit, layer or photo."
            )
        )
    st.caption(_how_to_read(scene))


def _mean(values: np.ndarray) -> np.ndarray:
    """Over channels; zero where it is nothing but rounding, as behind a normalisation over them."""
    mean: np.ndarray = values.mean(0)
    return mean if np.abs(mean).max() > 1e-5 * np.abs(values).max() else np.zeros_like(mean)


def _how_to_read(scene: Scene) -> str:
    words = _(
        "Right: the mean activation of {layer}, cell by cell. Move over it: the box shows what that cell can see,"
        " hatched where it is padding, dashed where it goes on beyond the picture; click to pin. Warm, and smoothed, is"
        " what really moves the pinned one: half of it lies within the white line, 95% within the blue one."
    ).format(layer=escaped(scene.layer))
    several = _(
        "Up to {most} units; the warm one is number {last}. Click one again to take it away."
    )
    return (
        words + " " + several.format(most=MOST_PINS, last=len(scene.pins)) if _several() else words
    )


def cursor_words() -> dict[str, str]:
    """What the cursor tells of the cell under it."""
    return {
        "place": _(
            "Row {row}, column {column} can see rows {top} to {bottom} and columns {left} to {right};"
            " {padding}% of that is padding, outside the image."
        ),
        "opacity": _("Opacity"),
    }


def show_facts(subject: Subject, scene: Scene, found: "EffectiveField | None") -> None:
    """The pinned unit: its field in numbers, its activation and strongest channels, its weight in Grad-CAM."""
    size, strongest, weight = st.columns(3, gap="medium")
    with size:
        st.markdown(
            _("**Unit in row {row}, column {column}**").format(
                row=scene.unit[0], column=scene.unit[1]
            )
        )
        st.markdown(_size_line(scene, found))
    cell = scene.values[:, scene.unit[0], scene.unit[1]]
    with strongest:
        st.markdown(
            _("**Activation** {mean:.3g} on average over channels").format(mean=cell.mean())
        )
        clickable.show(boards.share_list(_strongest(cell)), "strongest")
        st.caption(_("The strongest channels, and their share of all that is positive here."))
    with weight:
        _show_weight(subject, scene)


def _size_line(scene: Scene, found: "EffectiveField | None") -> str:
    (height, width), (down, across) = scene.field.size, visible(scene.grid, scene.unit)
    words = _("Can see {height} × {width} px, {down} × {across} of them in the image.").format(
        height=height, width=width, down=down, across=across
    )
    if found is None:
        return words
    return words + _(
        "  \n95% of what moves it lies in an area of {size:.3g} × {size:.3g} px, {ratio:.0%} of the side of what it"
        " sees in the image; half of it in {half} pixels.  \nStandard deviation {down:.3g} px down and"
        " {across:.3g} px across; of a Gaussian fitted to the peak {bell_down:.3g} and {bell_across:.3g} px."
    ).format(
        size=found.size,
        ratio=found.size / (down * across) ** 0.5,
        half=found.areas[0],
        down=found.deviations[0],
        across=found.deviations[1],
        bell_down=found.widths[0],
        bell_across=found.widths[1],
    )


def visible(grid: drawings.Grid, unit: Place) -> tuple[int, int]:
    """Rows and columns of the image that a unit sees."""
    first, length = grid.box(unit)[:2], grid.box(unit)[2:]
    ends = [min(first[i] + length[i], grid.side[i]) - max(first[i], 0) for i in (0, 1)]
    return max(0, round(ends[0])), max(0, round(ends[1]))


def _strongest(cell: np.ndarray) -> list[tuple[str, float]]:
    positive = float(cell.clip(0).sum()) or 1.0
    best = np.argsort(-cell, kind="stable")[:STRONGEST]
    words = _("channel {channel} · {value:.3g}")
    return [
        (words.format(channel=c, value=cell[c]), max(0.0, float(cell[c])) / positive) for c in best
    ]


def _show_weight(subject: Subject, scene: Scene) -> None:
    """How much the unit's place speaks for the likeliest or chosen class."""
    answer = photo_results.prediction(subject)
    guess = next(
        (g for g in answer.top if str(g.index) == url_state.chosen("target")), answer.top[0]
    )
    st.markdown(_("**Grad-CAM** for {label}").format(label=escaped(guess.label)))
    if note := models.untrained(subject.model):
        st.caption(f"**{note}**")
    try:
        heat = photo_results.attribution(subject, "grad-cam", scene.layer, guess.index).map
    except ProbeError as reason:
        st.caption(escaped(whole(reason)))
        return
    if heat.shape != scene.grid.units:
        st.caption(_("This layer keeps its channels last; Grad-CAM needs them first."))
        return
    value, positive = float(heat[scene.unit]), float(heat.clip(0).sum())
    if not positive:
        st.markdown(
            _(
                "No cell of this layer speaks for the class: Grad-CAM is zero or negative everywhere."
            )
        )
        return
    share = max(0.0, value) / positive
    st.markdown(
        _(
            "{value:+.3g} at this cell, {share} of all that speaks for the class; rank {rank} of {cells} cells."
        ).format(
            value=value,
            share=boards.percent(share),
            rank=int((heat > value).sum()) + 1,
            cells=heat.size,
        )
    )
