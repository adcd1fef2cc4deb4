"""The pinned unit in numbers: its field, its activation and strongest channels, its Grad-CAM."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.errors import ProbeError
from resviz.figures import html
from resviz.figures.receptive_field.scene import Grid, Place
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.numbers import significant
from resviz.ui.base.page import escaped
from resviz.ui.receptive_field.scene import Scene
from resviz.ui.services import models, photo_results
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import clickable

if TYPE_CHECKING:
    from resviz.probes.core.prediction import Guess
    from resviz.probes.receptive_field.effective import EffectiveField

STRONGEST = 5  # channels that are listed


def draw_unit(subject: Subject, scene: Scene, effective: "EffectiveField | None") -> None:
    """Three columns: field, activation, Grad-CAM."""
    size, strongest, grad_cam = st.columns(3, gap="medium")
    row, column = scene.unit
    with size:
        st.markdown(_("**Unit in row {row}, column {column}**").format(row=row, column=column))
        _draw_size(scene, effective)
    with strongest:
        _draw_channels(scene.values[:, row, column])
    with grad_cam:
        _draw_grad_cam(subject, scene)


def _draw_size(scene: Scene, effective: "EffectiveField | None") -> None:
    """What the unit can see, and what moves it."""
    rows, columns = visible(scene.grid, scene.unit)
    st.markdown(_can_see(scene, rows, columns))
    if effective is None:
        return
    down, across = effective.deviations
    bell_down, bell_across = effective.widths
    st.markdown(
        _(
            "95% of what moves it lies in an area of {size:.3g} × {size:.3g} px, {ratio:.0%} of the"
            " side of what it sees in the image; half of it in {half} pixels."
        ).format(
            size=effective.size,
            ratio=effective.size / (rows * columns) ** 0.5,
            half=effective.areas[0],
        )
    )
    st.markdown(
        _(
            "Standard deviation {down:.3g} px down and {across:.3g} px across; of a Gaussian"
            " fitted to the peak {bell_down:.3g} and {bell_across:.3g} px."
        ).format(down=down, across=across, bell_down=bell_down, bell_across=bell_across)
    )


def _can_see(scene: Scene, rows: int, columns: int) -> str:
    """The size of the unit's field, so many rows and columns of which lie in the image."""
    _top, _left, height, width = scene.grid.box(scene.unit)
    text = _("Can see {height} × {width} px, {rows} × {columns} of them in the image.")
    if scene.field.through == "gate":
        text = _(
            "Can see {height} × {width} px by convolutions, {rows} × {columns} of them in the"
            " image; and the whole image through a gate only."
        )
    if scene.field.through == "border":
        text = _(
            "Can see {height} × {width} px, {rows} × {columns} of them in the image; the padding"
            " shows units at a border the opposite one."
        )
    return text.format(height=round(height), width=round(width), rows=rows, columns=columns)


def visible(grid: Grid, unit: Place) -> tuple[int, int]:
    """Rows and columns of the image that a unit sees."""
    top, left, height, width = grid.box(unit)
    rows = min(top + height, grid.side[0]) - max(top, 0)
    columns = min(left + width, grid.side[1]) - max(left, 0)
    return max(0, round(rows)), max(0, round(columns))


def _draw_channels(cell: np.ndarray) -> None:
    """The activation at the unit and its strongest channels."""
    st.markdown(
        _("**Activation**, mean over channels: {mean}").format(mean=significant(cell.mean()))
    )
    clickable.show(html.share_list(_strongest(cell)), "strongest")
    st.caption(_("The strongest channels, and their share of all positive values here."))


def _strongest(cell: np.ndarray) -> list[tuple[str, float]]:
    """Name and share of the strongest channels."""
    positive = float(cell.clip(0).sum()) or 1.0
    title = _("channel {channel} · {value}")
    best = np.argsort(-cell, kind="stable")[:STRONGEST]
    return [
        (title.format(channel=c, value=significant(cell[c])), max(0.0, float(cell[c])) / positive)
        for c in best
    ]


def _draw_grad_cam(subject: Subject, scene: Scene) -> None:
    """How much the unit's place is evidence for the class."""
    guess = _class_in_question(subject)
    st.markdown(_("**Grad-CAM** for {label}").format(label=escaped(guess.label)))
    if note := models.untrained(subject.model):
        st.caption(f"**{note}**")
    try:
        result = photo_results.attribution(subject, "grad-cam", scene.layer, guess.index)
    except ProbeError as reason:
        st.caption(escaped(whole(reason)))
        return
    if result.map.shape != scene.grid.units:
        st.caption(_("This layer keeps its channels last; Grad-CAM needs them first."))
        return
    st.markdown(_evidence(result.map, scene.unit))


def _class_in_question(subject: Subject) -> "Guess":
    """The class that was chosen, where it is among the likeliest; else the likeliest."""
    guesses = photo_results.prediction(subject).top
    chosen = url_state.chosen("target")
    return next((guess for guess in guesses if str(guess.index) == chosen), guesses[0])


def _evidence(heat: np.ndarray, unit: Place) -> str:
    """The value of the map at the unit, its share and its rank."""
    value, positive = float(heat[unit]), float(heat.clip(0).sum())
    if not positive:
        return _(
            "No cell of this layer is evidence for the class: Grad-CAM is zero or negative"
            " everywhere."
        )
    return _(
        "{value} at this cell, {share} of all evidence for the class; rank {rank} of {cells} cells."
    ).format(
        value=f"+{significant(value)}" if value > 0 else significant(value),
        share=html.percent(max(0.0, value) / positive),
        rank=int((heat > value).sum()) + 1,
        cells=heat.size,
    )
