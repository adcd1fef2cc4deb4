"""The page on attribution: method, layer and classes; for each class its overlay and map."""

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
from resviz.ui.widgets.evidence import HEAT, nothing_positive
from resviz.ui.widgets.layer_picker import class_picker, layer_picker

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from resviz.probes.attribution.methods import Attribution, Method


@dataclass(frozen=True, slots=True)
class Choice:
    """A method, its layer where it needs one, two classes, and the place on the page for each."""

    method: "Method"
    layer: str | None
    targets: tuple[int, int]
    places: "tuple[DeltaGenerator, DeltaGenerator]"


def method_layer_and_classes(subject: Subject) -> Choice:
    """The controls over the two maps."""
    method = _method()
    layer = None
    if method.needs_layer:
        layer = layer_picker(subject, models.default_layer(subject.model)).name
    top = photo_results.prediction(subject).top
    second_best = top[min(1, len(top) - 1)]
    left, right = page.wide("classes").columns(2, gap="medium")
    with left:
        first = class_picker(_("Class"), subject, top[0].index, "target")
    with right:
        second = class_picker(_("Compared with"), subject, second_best.index, "other")
    return Choice(method, layer, (first, second), (left, right))


def _method() -> "Method":
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
    return METHODS[name]


def maps_of_both_classes(subject: Subject, choice: Choice) -> "list[Attribution]":
    """Both maps, with a progress bar where the method is slow."""
    return [_map_of(subject, choice, target) for target in choice.targets]


def _map_of(subject: Subject, choice: Choice, target: int) -> "Attribution":
    label = models.model(subject.model).labels[target]
    text = _("{method} for {label}").format(method=said(choice.method.title), label=label)
    bar = page.progress(text) if choice.method.slow else nullcontext()
    with bar as update:
        return photo_results.attribution(subject, choice.method.name, choice.layer, target, update)


def common_scale(results: "list[Attribution]", signed: bool) -> raster.Range:
    """One scale for all maps, so that their strengths can be compared.

    A map of single pixels has a few that outshine all others: its scale ends where 99 of 100 values
    lie below.
    """
    values = np.concatenate([result.map.ravel() for result in results])
    if all(result.map.shape == result.input_size for result in results):
        reach = float(np.quantile(np.abs(values), 0.99))
        values = values.clip(-reach, reach) if reach > 0 else values
    scale = raster.value_range(values)
    return raster.Range(-scale.high, scale.high, True) if signed else scale


def evidence_for_a_class(
    subject: Subject, result: "Attribution", scale: raster.Range, side: str
) -> None:
    """One class: overlay and raw map side by side, what they say, and both to download."""
    label = models.model(subject.model).labels[result.target]
    labels = linked_map.MapLabels(
        photo=_("{method} for {label} over the photo").format(method=result.method, label=label),
        cells=_("The map for {label}").format(label=label),
    )
    layer = result.layer if result.method == "grad-cam" else None
    linked_map.linked_map(subject, layer, result.map, scale, labels, side)
    height, width = result.map.shape
    st.markdown(
        _("**{label}** · {probability} · map of {width}×{height} cells").format(
            label=escaped(label),
            probability=html.percent(
                float(photo_results.prediction(subject).probabilities[result.target])
            ),
            width=width,
            height=height,
        )
    )
    if sentence := nothing_positive(result, label):
        st.info(sentence)
    _downloads(subject, result, scale, side)


def _downloads(subject: Subject, result: "Attribution", scale: raster.Range, side: str) -> None:
    name = "-".join(filter(None, (result.method, result.layer, str(result.target))))
    photo = photo_results.view(subject)

    def picture() -> bytes:
        return raster.overlay_png(photo.resize(HEAT), result.map, 0.8, scale.high)

    def numbers() -> bytes:
        file = io.BytesIO()
        np.save(file, result.map)
        return file.getvalue()

    with st.container(horizontal=True, gap="small"):
        page.download(_("Overlay (PNG)"), picture, f"{name}.png", "image/png", f"png_{side}")
        mime = "application/octet-stream"
        page.download(_("Map (NPY)"), numbers, f"{name}.npy", mime, f"npy_{side}")


def how_to_read(choice: Choice) -> None:
    """How to read the maps in a line, and whose idea the method is."""
    st.caption(f"{_signs(choice.method)} {choice.method.citation}.")
    with st.expander(_("How to read this")):
        st.markdown(_("Both classes share one scale, so that their strengths can be compared."))
        if choice.method.signed:
            st.markdown(_("The overlay on the photo shows the evidence for the class only."))
        if not choice.layer and choice.method.name != "occlusion":
            st.markdown(
                _("The scale ends at the 99th percentile: a few pixels outshine all others.")
            )


def _signs(method: "Method") -> str:
    if method.signed:
        return _("Red is evidence for the class, blue is evidence against it.")
    return _("Bright places change the score most, in either direction.")
