"""The parts of the page on attribution: method, layer and classes; for each class its overlay, map and downloads."""

import io
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.figures import html, raster
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import said
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.services import models, photo_results
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import linked_map
from resviz.ui.widgets.layer_picker import class_picker, layer_picker

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from resviz.probes.attribution.methods import Attribution, Method


@dataclass(frozen=True, slots=True)
class Choice:
    """A method, its layer where it needs one, the two classes, and the place on the page for each of them."""

    method: "Method"
    layer: str | None
    targets: tuple[int, int]
    places: "tuple[DeltaGenerator, DeltaGenerator]"


def choose(subject: Subject) -> Choice:
    """The controls over the two maps."""
    from resviz.probes.attribution.methods import METHODS

    name = url_state.pick(
        st.segmented_control,
        _("Method"),
        list(METHODS),
        "grad-cam",
        "method",
        required=True,
        format_func=lambda key: said(METHODS[key].title),
    )
    method = METHODS[name]
    layer = (
        layer_picker(subject, models.default_layer(subject.model)).name
        if method.needs_layer
        else None
    )
    top = photo_results.prediction(subject).top
    left, right = page.wide("classes").columns(2, gap="medium")
    with left:
        first = class_picker(_("Class"), subject, top[0].index, "target")
    with right:
        second = class_picker(_("Compared with"), subject, top[min(1, len(top) - 1)].index, "other")
    return Choice(method, layer, (first, second), (left, right))


def results(subject: Subject, choice: Choice) -> "list[Attribution]":
    """Both maps, with progress where the method is slow."""
    labels = models.model(subject.model).labels
    found = []
    for target in choice.targets:
        text = _("{method} for {label}").format(
            method=said(choice.method.title), label=labels[target]
        )
        bar = page.progress(text) if choice.method.slow else nullcontext()
        with bar as update:
            found.append(
                photo_results.attribution(subject, choice.method.name, choice.layer, target, update)
            )
    return found


def common_scale(found: "list[Attribution]", signed: bool) -> raster.Range:
    """One scale for all maps, so that their strengths can be compared; a `signed` one whatever signs there are.

    A map of single pixels has a few that outshine all others: its scale ends where 99 of 100 values
    lie below.
    """
    values = np.concatenate([result.map.ravel() for result in found])
    if all(result.map.shape == result.input_size for result in found):
        reach = float(np.quantile(np.abs(values), 0.99))
        values = values.clip(-reach, reach) if reach > 0 else values
    scale = raster.value_range(values)
    return raster.Range(-scale.high, scale.high, True) if signed else scale


def show(subject: Subject, result: "Attribution", scale: raster.Range, side: str) -> None:
    """One class: overlay and raw map side by side, what they say, and both to download."""
    label = models.model(subject.model).labels[result.target]
    labels = linked_map.MapLabels(
        photo=_("{method} for {label} over the photo").format(method=result.method, label=label),
        cells=_("The map for {label}").format(label=label),
    )
    linked_map.linked_map(
        subject,
        result.layer if result.method == "grad-cam" else None,
        result.map,
        scale,
        labels,
        side,
    )
    height, width = result.map.shape
    st.markdown(
        _("**{label}** · {probability} · map of {width}×{height} cells").format(
            label=escaped(label),
            probability=html.percent(result.probability),
            width=width,
            height=height,
        )
    )
    if sentence := nothing_positive(result, label):
        st.info(sentence)
    _downloads(subject, result, scale, side)


def nothing_positive(result: "Attribution", label: str) -> str | None:
    """The sentence for a map that leaves its overlay empty."""
    if result.is_flat:
        return _("The map is zero everywhere: nothing here moves the score of {label}.").format(
            label=escaped(label)
        )
    if result.map.max() <= 0:
        return _("No place speaks for {label}: all that counts here speaks against it.").format(
            label=escaped(label)
        )
    return None


def _downloads(subject: Subject, result: "Attribution", scale: raster.Range, side: str) -> None:
    name = "-".join(filter(None, (result.method, result.layer, str(result.target))))
    photo = photo_results.view(subject).resize((448, 448))
    file = io.BytesIO()
    np.save(file, result.map)
    picture = raster.overlay_png(photo, result.map, 0.8, scale.high)
    with st.container(horizontal=True, gap="small"):
        page.download(_("Overlay (PNG)"), picture, f"{name}.png", "image/png", f"png_{side}")
        page.download(
            _("Map (NPY)"),
            file.getvalue(),
            f"{name}.npy",
            "application/octet-stream",
            f"npy_{side}",
        )


def explain(choice: Choice) -> None:
    """How to read the maps, and whose idea the method is."""
    signs = (
        _(
            "Red speaks for the class, blue against it; the overlay shows the positive part only. "
            "Both classes share one scale."
        )
        if choice.method.signed
        else _(
            "Bright places move the score most, in either direction. Both classes share one scale."
        )
    )
    pixelwise = (
        ""
        if choice.layer or choice.method.name == "occlusion"
        else _("The scale ends at the 99th percentile.")
    )
    st.caption(" ".join(filter(None, (signs, pixelwise, choice.method.citation))))
