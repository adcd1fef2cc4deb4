"""What pages share for choosing inside a model: a layer by its drawing or its name, a class."""

from itertools import groupby
from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures import html
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import wide
from resviz.ui.services import models
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import clickable

if TYPE_CHECKING:
    from resviz.probes.core.layers import Layer

url_state.depends_on_model("layer", "target", "other")


def layer_picker(subject: Subject, default: str) -> "Layer":
    """The network block by block, the chosen block from inside, and a list of all layers with a spatial output."""
    spatial = {layer.name: layer for layer in models.layers(subject.model) if layer.spatial}
    names = list(spatial)
    chosen = url_state.chosen("layer")
    chosen = chosen if chosen in spatial else default
    block = _block_of(chosen, subject.model)
    drawing, naming = wide("layer").columns([2.6, 1], gap="medium", vertical_alignment="bottom")
    with drawing:
        clickable.show(html.network(network_cells(subject.model, spatial), block), "net", "layer")
        inside = _inside(block, spatial)
        if inside:
            clickable.show(
                html.network([(_("inside {block}").format(block=block), inside)], chosen),
                "inside",
                "layer",
            )
    with naming:
        picked = url_state.pick(
            st.selectbox,
            _("Layer"),
            names,
            default,
            "layer",
            format_func=lambda name: layer_title(spatial[name]),
        )
    return spatial[picked]


def _inside(block: str, spatial: "dict[str, Layer]") -> list[html.Cell]:
    """The block's own layers; what a projection is made of is in the list of layers."""
    own = [
        name
        for name in spatial
        if name.startswith(f"{block}.") and "." not in name.removeprefix(f"{block}.")
    ]
    return [_cell(name, name.removeprefix(f"{block}."), spatial[name]) for name in own]


def layer_title(layer: "Layer") -> str:
    """Name, shape and kind of a layer on one line."""
    return f"{layer.name} · {'×'.join(map(str, layer.output_shape))} · {layer.kind}"


def network_cells(model: str, spatial: "dict[str, Layer]") -> list[tuple[str, list[html.Cell]]]:
    """Stages with their blocks, for the drawing; the stem's layers come first.

    Blocks outside any stage, whose own names say all, stand together as long as their maps are of
    one size.
    """
    blocks = models.block_names(model)
    first = next(
        (i for i, name in enumerate(spatial) if any(name.startswith(b) for b in blocks)),
        len(spatial),
    )
    stem = [
        _cell(name, name, spatial[name])
        for name in list(spatial)[:first]
        if _does_something(spatial[name])
    ]
    stages = [(f"{_('stem')}  {_size(stem)}", stem)] if stem else []
    for title, names in groupby(
        [name for name in blocks if name in spatial], lambda name: _stage(spatial[name])
    ):
        cells = [_cell(name, name.rpartition(".")[2], spatial[name]) for name in names]
        stages.append((f"{title}  {_size(cells)}" if "." in cells[0].value else title, cells))
    return stages


def _does_something(layer: "Layer") -> bool:
    return layer.kind not in ("Identity", "Tap")


def _stage(layer: "Layer") -> str:
    """The stage that a block belongs to; the size of its maps where it belongs to none."""
    return layer.name.rpartition(".")[0] or "×".join(map(str, layer.output_shape[1:]))


def _cell(name: str, text: str, layer: "Layer") -> html.Cell:
    return html.Cell(name, text, layer_title(layer))


def _size(cells: list[html.Cell]) -> str:
    return cells[-1].hint.split(" · ")[1]


def _block_of(layer: str, model: str) -> str:
    """The block that a layer lies in, or the layer itself."""
    return next(
        (b for b in models.block_names(model) if layer == b or layer.startswith(f"{b}.")), layer
    )


def class_picker(label: str, subject: Subject, default: int, key: str) -> int:
    """A class by its name."""
    labels = models.model(subject.model).labels
    return url_state.pick(
        st.selectbox, label, range(len(labels)), default, key, format_func=lambda i: labels[i]
    )
