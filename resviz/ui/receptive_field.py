"""The page on receptive fields: the photo with a unit's box and the linked cursor, what the unit says, the ladder."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.errors import ProbeError
from resviz.figures import boards, raster
from resviz.figures import receptive_field as drawings
from resviz.ui import batches, board, cache, cursor, fields, layout, view
from resviz.ui.controls import Subject
from resviz.ui.i18n import translate as _
from resviz.ui.i18n import whole
from resviz.ui.layout import escaped

if TYPE_CHECKING:
    from resviz.probes.effective import EffectiveField
    from resviz.probes.receptive_field import ReceptiveField

INPUTS = ("photo", "samples", "data", "noise")
MOST_PINS, RUNGS, STRONGEST = 5, 12, 5
Place = tuple[int, int]


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
    return cache.model(subject.model).input_size


def default_layer(subject: Subject) -> str:
    """The last block whose field still fits into the image."""
    found = fields.theoretical(subject.model, side(subject))
    blocks = [name for name in cache.block_names(subject.model) if name in found] or list(found)
    inside = [name for name in blocks if max(found[name].size) <= side(subject) and not found[name].whole_image]
    return (inside or blocks)[-1] if inside else blocks[0]


def choose(subject: Subject, layer: str) -> Scene:
    """The controls over the picture, and what they choose."""
    field = fields.of_layer(subject.model, side(subject), layer)
    grid = grid_of(field, side(subject))
    first, second = layout.wide("inputs").columns([1.2, 1.6], gap="medium", vertical_alignment="bottom")
    with first:
        source = view.pick(
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
        view.switch(_("Several units"), "several")
    data = batches.choose_dataset(subject.model) if source == "data" else ""
    activation = cache.activation(subject.model, subject.sha, subject.shown, layer)
    return Scene(layer, field, grid, _pins(grid), _channels_first(activation.values, grid.units), source, data)


def _source_title(source: str) -> str:
    return {"photo": _("This photo"), "samples": _("Samples"), "data": _("Dataset"), "noise": _("Noise")}[source]


def grid_of(field: "ReceptiveField", side: int) -> drawings.Grid:
    return drawings.Grid(field.units, (side, side), field.size, field.stride, field.start, field.whole_image)


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
    """The units in the address that this layer has, by default the middle one."""
    found = []
    for text in (view.chosen("units") or "").split(";"):
        row, _comma, column = text.partition(",")
        if row.isdecimal() and column.isdecimal() and int(row) < grid.units[0] and int(column) < grid.units[1]:
            found.append((int(row), int(column)))
    return tuple(found[-MOST_PINS:]) or ((grid.units[0] // 2, grid.units[1] // 2),)


def pin(picked: str) -> None:
    """Remember a unit, beside the others where several are wanted."""
    before = (view.chosen("units") or "").split(";") if view.chosen("several") == "True" else []
    kept = [text for text in before if text and text != picked][1 - MOST_PINS :]
    view.choose("units", ";".join([*kept, picked]))


def effective(subject: Subject, scene: Scene) -> "EffectiveField | None":
    """What moves the unit, on the inputs chosen."""
    if scene.source == "noise":
        return fields.on_noise(subject.model, side(subject), scene.layer, scene.unit)
    if scene.source == "noise":
        return fields.on_noise(subject.model, side(subject), scene.layer, scene.unit)
    if scene.source == "data":
        shown, _others = batches.of_dataset(subject.model, scene.data)
    else:
        shown = batches.of(subject, scene.source)
    update = layout.progress(_("Measuring what moves the unit"))
    try:
        return fields.on_pictures(subject.model, shown, scene.layer, scene.unit, update)
    finally:
        update(1.0)


def show_unit(subject: Subject, scene: Scene, found: "EffectiveField | None") -> None:
    """The photo with the box beside the map of cells."""
    heat = raster.data_uri(drawings.effective_png(found.energy, found.size)) if found else ""
    mean = scene.values.mean(0)
    pictures = drawings.Pictures(
        raster.data_uri(raster.photo_png(cache.view(subject.model, subject.shown))),
        heat,
        raster.data_uri(raster.map_png(mean)),
        _("The photo with the field of one unit of {layer}").format(layer=scene.layer),
        _("The cells of {layer}: move over them, click or press Enter to pin one").format(layer=scene.layer),
    )
    cursor.show(drawings.linked(pictures, scene.grid, scene.pins, cursor_words()), "unit", pin)
    if found is None:
        st.info(_("No pixel moves this unit: its gradient is zero everywhere. Choose another unit, layer or photo."))
    st.caption(
        _(
            "Right: the mean activation of {layer}, cell by cell. Move over it: the box shows what that cell can see,"
            " hatched where it is padding; click to pin. Warm is what really moves the pinned one: half of it lies"
            " within the white line, 95% within the blue one."
        ).format(layer=escaped(scene.layer))
    )


def cursor_words() -> dict[str, str]:
    """What the cursor tells of the cell under it."""
    return {
        "place": _(
            "Row {row}, column {column} can see rows {top} to {bottom} and columns {left} to {right} of the image;"
            " {padding}% of that is padding."
        ),
        "opacity": _("Opacity"),
    }


def show_facts(subject: Subject, scene: Scene, found: "EffectiveField | None") -> None:
    """The pinned unit: its field in numbers, its activation and strongest channels, its weight in Grad-CAM."""
    size, strongest, weight = st.columns(3, gap="medium")
    with size:
        st.markdown(_("**Unit in row {row}, column {column}**").format(row=scene.unit[0], column=scene.unit[1]))
        st.markdown(_size_line(scene, found))
    cell = scene.values[:, scene.unit[0], scene.unit[1]]
    with strongest:
        st.markdown(_("**Activation** {mean:.3g} on average over channels").format(mean=cell.mean()))
        board.show(boards.share_list(_strongest(cell)), "strongest")
        st.caption(_("The strongest channels, and their share of all that is positive here."))
    with weight:
        _show_weight(subject, scene)


def _size_line(scene: Scene, found: "EffectiveField | None") -> str:
    height, width = scene.field.size
    could = _("Could see {height} × {width} px of an image of {side}.").format(
        height=height, width=width, side=scene.grid.side[0]
    )
    if found is None:
        return could
    return could + _(
        "  \n95% of what moves it lies in an area of {size:.3g} × {size:.3g} px, {ratio:.0%} of that side;"
        " half of it in {half} pixels.  \nFitted bell: {down:.3g} px down, {across:.3g} px across."
    ).format(size=found.size, ratio=found.ratio, half=found.areas[0], down=found.widths[0], across=found.widths[1])


def _strongest(cell: np.ndarray) -> list[tuple[str, float]]:
    positive = float(cell.clip(0).sum()) or 1.0
    best = np.argsort(-cell, kind="stable")[:STRONGEST]
    words = _("channel {channel} · {value:.3g}")
    return [(words.format(channel=c, value=cell[c]), max(0.0, float(cell[c])) / positive) for c in best]


def _show_weight(subject: Subject, scene: Scene) -> None:
    """How much the unit's place speaks for the likeliest or chosen class."""
    answer = cache.prediction(subject.model, subject.sha, subject.shown)
    guess = next((g for g in answer.top if str(g.index) == view.chosen("target")), answer.top[0])
    st.markdown(_("**Grad-CAM** for {label}").format(label=escaped(guess.label)))
    if note := cache.untrained(subject.model):
        st.caption(f"**{note}**")
    try:
        heat = cache.attribution(subject.model, subject.shown, "grad-cam", scene.layer, guess.index).map
    except ProbeError as reason:
        st.caption(escaped(whole(reason)))
        return
    if heat.shape != scene.grid.units:
        st.caption(_("This layer keeps its channels last; Grad-CAM needs them first."))
        return
    value, positive = float(heat[scene.unit]), float(heat.clip(0).sum())
    share = max(0.0, value) / positive if positive else 0.0
    st.markdown(
        _("{value:+.3g} at this cell, {share} of all that speaks for the class; rank {rank} of {cells} cells.").format(
            value=value, share=boards.percent(share), rank=int((heat > value).sum()) + 1, cells=heat.size
        )
    )


def show_ladder(subject: Subject, chosen: str) -> None:
    """Layers with growing boxes; a click opens one."""
    found = fields.theoretical(subject.model, side(subject))
    names = rungs(subject.model, side(subject))
    measured = profile(subject.model, side(subject), names)
    rows = [
        drawings.Rung(name, name, max(found[name].size), measured[name], _rung_hint(found[name], measured[name]))
        for name in names
    ]
    board.show(drawings.ladder(rows, side(subject), chosen), "ladder", "layer")
    st.caption(
        _(
            "What a unit could see (blue) and the area that holds 95% of what moves it on noise (yellow), from input"
            " to output, on one scale. Dashed: the image of {side} px. Click a layer to open it."
        ).format(side=side(subject))
    )


def _rung_hint(field: "ReceptiveField", measured: float | None) -> str:
    told = _("{name}: {size} px").format(name=field.name, size=max(field.size))
    return told + (_(", effective {size:.3g} px").format(size=measured) if measured else "")


def rungs(model: str, side: int) -> tuple[str, ...]:
    """The first convolution and the blocks, or layers, at most so many."""
    found = fields.theoretical(model, side)
    blocks = [name for name in cache.block_names(model) if name in found and "." in name]
    windows = [layer.name for layer in cache.layers(model) if layer.kind in ("Conv2d", "MaxPool2d")]
    names = [name for name in windows if name in found]
    return layout.spread(tuple(dict.fromkeys((*names[:1], *blocks) if blocks else names)), RUNGS)


def profile(model: str, side: int, names: tuple[str, ...]) -> dict[str, float | None]:
    """Effective sizes on noise, layer by layer, with progress."""
    update = layout.progress(_("Measuring what moves the units of {model}").format(model=escaped(model)))
    sizes: dict[str, float | None] = {}
    try:
        for i, name in enumerate(names):
            update(i / len(names))
            found = fields.on_noise(model, side, name, None)
            sizes[name] = found.size if found else None
    finally:
        update(1.0)
    return sizes
