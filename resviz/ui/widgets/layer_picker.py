"""What pages share for choosing inside a model: a layer by its drawing or its name, a class."""

from itertools import groupby, takewhile
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
    """Pick a layer with a map: in the drawing of the network, in its block, or from the list."""
    spatial = {layer.name: layer for layer in models.layers(subject.model) if layer.spatial}
    drawing, naming = wide("layer").columns([2.6, 1], gap="medium", vertical_alignment="bottom")
    with drawing:
        chosen = url_state.chosen("layer")
        _draw_network(subject.model, spatial, chosen if chosen in spatial else default)
    with naming:
        picked = url_state.pick(
            st.selectbox,
            _("Layer"),
            list(spatial),
            default,
            "layer",
            format_func=lambda name: layer_title(spatial[name]),
        )
    return spatial[picked]


def _draw_network(model: str, spatial: "dict[str, Layer]", chosen: str) -> None:
    """The network block by block, and the chosen block from inside."""
    block = _block_of(chosen, model)
    clickable.show(html.network(network_cells(model, spatial), block), "net", "layer")
    if inside := _inside(block, spatial):
        title = _("inside {block}").format(block=block)
        clickable.show(html.network([(title, inside)], chosen), "inside", "layer")


def _inside(block: str, spatial: "dict[str, Layer]") -> list[html.Cell]:
    """The block's own layers; what a projection is made of is in the list of layers."""
    cells = []
    for name, layer in spatial.items():
        parent, _dot, own = name.rpartition(".")
        if parent == block:
            cells.append(_cell(name, own, layer))
    return cells


def layer_title(layer: "Layer") -> str:
    """Say name, shape and kind of a layer on one line."""
    return f"{layer.name} · {'×'.join(map(str, layer.output_shape))} · {layer.kind}"


def network_cells(model: str, spatial: "dict[str, Layer]") -> list[tuple[str, list[html.Cell]]]:
    """Group blocks by stage, for the drawing; the stem's layers come first.

    Blocks outside any stage, whose own names say all, stand together as long as their maps are of
    one size.
    """
    blocks = models.block_names(model)
    stem = _stem(blocks, spatial)
    stages = [(f"{_('stem')}  {_size(stem)}", stem)] if stem else []
    drawn = [spatial[name] for name in blocks if name in spatial]
    for title, layers in groupby(drawn, _stage):
        cells = [_cell(layer.name, layer.name.rpartition(".")[2], layer) for layer in layers]
        in_a_stage = "." in cells[0].value
        stages.append((f"{title}  {_size(cells)}" if in_a_stage else title, cells))
    return stages


def _stem(blocks: tuple[str, ...], spatial: "dict[str, Layer]") -> list[html.Cell]:
    """What comes before the first block."""
    before = takewhile(lambda layer: not layer.name.startswith(blocks), spatial.values())
    return [_cell(layer.name, layer.name, layer) for layer in before if _does_something(layer)]


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
    blocks = models.block_names(model)
    return next((b for b in blocks if f"{layer}.".startswith(f"{b}.")), layer)


def class_picker(label: str, subject: Subject, default: int, key: str) -> int:
    """Pick a class by its name."""
    labels = models.model(subject.model).labels
    return url_state.pick(
        st.selectbox, label, range(len(labels)), default, key, format_func=lambda i: labels[i]
    )
