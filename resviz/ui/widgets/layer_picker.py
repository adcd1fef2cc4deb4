"""What pages share for choosing inside a model: a layer by its drawing or its name, a class."""

from typing import TYPE_CHECKING

import streamlit as st

from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import wide
from resviz.ui.services import models
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import network

if TYPE_CHECKING:
    from resviz.probes.core.layers import Layer

url_state.depends_on_model("layer", "target", "other")


def layer_picker(subject: Subject, default: str) -> "Layer":
    """Pick a layer with a map: in the drawing of the network, in its block, or from the list."""
    spatial = {layer.name: layer for layer in models.layers(subject.model) if layer.spatial}
    asked = url_state.chosen("layer")
    chosen = asked if asked in spatial else default
    if network.can_be_drawn(subject.model):
        network.network(subject, chosen)
    opened, naming = wide("layer").columns([4, 1], gap="medium", vertical_alignment="center")
    with opened:
        if network.can_be_drawn(subject.model):
            network.inside(subject, chosen)
    with naming:
        picked = url_state.pick(
            st.selectbox,
            _("Layer"),
            _parents_first(subject.model, spatial),
            default,
            "layer",
            format_func=lambda name: layer_title(spatial[name]),
            filter_mode="contains",
        )
    return spatial[picked]


def _parents_first(model: str, spatial: "dict[str, Layer]") -> list[str]:
    """The names in which a block stands before its parts: Enter picks the first that matches."""
    modules = models.model(model).model.named_modules(remove_duplicate=False)
    return [name for name, _module in modules if name in spatial]


def layer_title(layer: "Layer") -> str:
    """Say name, shape and kind of a layer on one line."""
    return f"{layer.name} · {'×'.join(map(str, layer.output_shape))} · {layer.kind}"


def class_picker(label: str, subject: Subject, default: int, key: str) -> int:
    """Pick a class by its name."""
    labels = models.model(subject.model).labels
    return url_state.pick(
        st.selectbox, label, range(len(labels)), default, key, format_func=lambda i: labels[i]
    )
