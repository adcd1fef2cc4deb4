"""The parts of the page on feature maps: order and page of channels, their grid, one at large, the residual sum."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.errors import ProbeError
from resviz.figures import html, raster
from resviz.figures.feature_maps.histogram import frequencies, histogram
from resviz.ui.base import page as layout
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped
from resviz.ui.services import models, photo_results
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import clickable, linked_map
from resviz.ui.widgets.colour_scale import scale_bar
from resviz.ui.widgets.layer_picker import class_picker

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from resviz.probes.core.layers import Layer
    from resviz.probes.feature_maps.activations import Activation, ResidualParts

PER_PAGE, COLUMNS = 64, 8
ORDERS = ("index", "mean", "relevance")
url_state.depends_on_model("channel", "first")


@dataclass(frozen=True, slots=True)
class ChannelPage:
    """The channels on the page in their order, and the one at large."""

    activation: "Activation"
    order: np.ndarray  # of all channels
    weight: np.ndarray | None  # what they are ordered by, None for their number
    start: int
    chosen: int
    shared: bool

    @property
    def shown(self) -> list[int]:
        return [int(c) for c in self.order[self.start : self.start + PER_PAGE]]


def first_block(subject: Subject) -> str:
    """The layer to begin with: the first block, where edges and colours can still be recognised."""
    return models.map_blocks(subject.model)[0]


def choose(subject: Subject, layer: "Layer") -> ChannelPage:
    """The controls over the grid."""
    activation = photo_results.activation(subject, layer.name)
    order_by, target, pager, scale = layout.wide("order").columns(
        [2, 0.8, 0.9, 0.8], gap="medium", vertical_alignment="bottom"
    )
    kind = url_state.pick(
        order_by.segmented_control,
        _("Order of the channels"),
        ORDERS,
        "index",
        "order",
        required=True,
        format_func=_order_title,
    )
    with scale:
        shared = url_state.switch(_("One scale for all"), "shared")
    weight = _weight(kind, subject, layer, activation, target)
    order = (
        np.arange(len(activation.mean)) if weight is None else np.argsort(-weight, kind="stable")
    )
    start = _pager(pager, order)
    chosen = _chosen_channel(order, start)
    return ChannelPage(activation, order, weight, start, chosen, shared)


def _order_title(order: str) -> str:
    return {
        "index": _("Number"),
        "mean": _("Mean activation"),
        "relevance": _("Speaks for the class"),
    }[order]


def _weight(
    kind: str, subject: Subject, layer: "Layer", activation: "Activation", place: "DeltaGenerator"
) -> np.ndarray | None:
    if kind == "mean":
        return activation.mean
    if kind == "relevance":
        top = photo_results.prediction(subject).top[0].index
        with place:
            target = class_picker(_("Class"), subject, top, "target")
        return photo_results.channel_relevance(subject, layer.name, target)
    return None


def _pager(place: "DeltaGenerator", order: np.ndarray) -> int:
    """Index of the first channel on the page, by default the chosen channel's; no pager where one page holds all."""
    channels, chosen = len(order), url_state.chosen("channel")
    starts = list(range(0, channels, PER_PAGE))
    if len(starts) == 1:
        return 0
    return url_state.pick(
        place.select_slider,
        _("Channels"),
        starts,
        next((s for s in starts if chosen in [str(c) for c in order[s : s + PER_PAGE]]), 0),
        "first",
        format_func=lambda start: f"{start + 1}-{min(start + PER_PAGE, channels)}",
    )


def _chosen_channel(order: np.ndarray, start: int) -> int:
    on_page = [int(channel) for channel in order[start : start + PER_PAGE]]
    chosen = url_state.chosen("channel")
    return next((channel for channel in on_page if str(channel) == chosen), on_page[0])


def show_grid(page: ChannelPage) -> None:
    """The grid; a click puts a channel at large."""
    activation, shown = page.activation, page.shown
    columns = min(COLUMNS, len(shown))
    titles = [(str(c), _channel_title(page, c)) for c in shown]
    image = raster.data_uri(raster.mosaic_png(activation.values[shown], columns, page.shared))
    alt = _("{count} channels of {layer} as maps").format(count=len(shown), layer=activation.layer)
    clickable.show(
        html.channel_grid(image, alt, columns, titles, str(page.chosen)),
        "grid",
        "channel",
    )
    scale = _("one scale for all") if page.shared else _("each map on its own scale")
    dead = len(activation.dead)
    say_dead = (
        _(" {dead} of {count} channels are zero everywhere.").format(
            dead=dead, count=len(activation.mean)
        )
        if dead
        else ""
    )
    colours = (
        _("blue negative, red positive")
        if (activation.values < 0).any()
        else _("dark is zero, yellow is strong")
    )
    st.caption(
        _("Each field is a channel of {layer}: {colours}, {scale}.").format(
            layer=activation.layer, colours=colours, scale=scale
        )
        + say_dead
    )
    rows = [
        (
            c,
            activation.mean[c],
            activation.std[c],
            activation.minimum[c],
            activation.maximum[c],
            activation.zeros[c],
        )
        for c in range(len(activation.mean))
    ]
    layout.table_download(
        _("Download the channels' statistics"),
        f"{activation.layer}-channels",
        ("channel", "mean", "deviation", "minimum", "maximum", "share of zeros"),
        rows,
    )


def _channel_title(page: ChannelPage, channel: int) -> str:
    value = page.activation.mean[channel] if page.weight is None else page.weight[channel]
    what = _order_title("mean") if page.weight is None else ""
    return f"{_('Channel')} {channel} {what} {value:.3g}"


def show_channel(subject: Subject, page: ChannelPage) -> None:
    """One channel over the photo, its map, histogram and statistics."""
    activation, c = page.activation, page.chosen
    values = activation.values[c]
    labels = linked_map.MapLabels(
        photo=_("Channel {channel} over the photo").format(channel=c),
        cells=_("Channel {channel} as a map").format(channel=c),
    )
    scale = raster.value_range(values)
    linked_map.linked_map(subject, activation.layer, values, scale, labels, "channel")
    st.markdown(_about_channel(activation, c))
    st.plotly_chart(
        histogram(values, _("activation"), _("cells"), layout.dark()),
        config={"displayModeBar": False},
        alt=_("Histogram of the activations of channel {channel}").format(channel=c),
    )
    counts, edges = frequencies(values)
    layout.table_download(
        _("Download the histogram"),
        f"{activation.layer}-{c}-histogram",
        ("from", "to", "cells"),
        list(zip(edges[:-1], edges[1:], counts, strict=True)),
    )
    st.caption(
        _(
            "First where the channel is positive, over the photo, then its values, cell by cell: move over one to see "
            "which pixels it sees. Below them, how often each value occurs."
        )
    )


def _about_channel(activation: "Activation", c: int) -> str:
    if activation.minimum[c] == activation.maximum[c]:
        return _("**Channel {c}** · {value:.3g} at every place").format(
            c=c, value=activation.mean[c]
        )
    row, column = activation.peak(c)
    return _(
        "**Channel {c}** · mean {mean:.3g} · deviation {std:.3g} · {zeros:.0%} zeros · "
        "peak {peak:.3g} at row {row}, column {column} (the frame)"
    ).format(
        c=c,
        mean=activation.mean[c],
        std=activation.std[c],
        zeros=activation.zeros[c],
        peak=activation.maximum[c],
        row=row,
        column=column,
    )


def show_residual(subject: Subject, layer: "Layer", page: ChannelPage) -> None:
    """x + F(x) = y in the block of the layer, where it has one."""
    names = models.block_names(subject.model)
    block = next((b for b in names if layer.name == b or layer.name.startswith(f"{b}.")), None)
    if block is None or models.model(subject.model).spec is None:
        return
    try:
        parts = photo_results.residual_parts(subject, block)
    except ProbeError as reason:
        st.caption(escaped(whole(reason)))
        return
    alone = False
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.subheader(
            _("Inside {block}: shortcut plus branch").format(block=block),
            anchor=False,
            width="content",
        )
        if page.activation.shape[0] == parts.total.shape[0]:  # the layer's channels are the block's
            alone = url_state.switch(
                _("Channel {channel} alone").format(channel=page.chosen), "alone"
            )
    _show_sum(parts, page.chosen if alone else None)


def _show_sum(parts: "ResidualParts", channel: int | None) -> None:
    """The three maps, of one channel or in the mean over all, on one scale; norms and shares of what is shown."""
    maps = {"x": parts.shortcut, "F(x)": parts.branch, "x + F(x)": parts.total}
    drawn = {
        name: values.mean(0) if channel is None else values[channel]
        for name, values in maps.items()
    }
    norms = {
        name: float(
            np.linalg.norm((values if channel is None else values[channel]).astype(np.float64))
        )
        for name, values in maps.items()
    }
    reach = max(float(np.abs(m).max()) for m in drawn.values()) or 1.0
    scale = raster.Range(-reach, reach, True)
    titles = {"x": _("shortcut x"), "F(x)": _("branch F(x)"), "x + F(x)": _("sum x + F(x)")}
    tiles = [
        html.Tile(
            "", raster.data_uri(raster.map_png(m, scale)), titles[name], f"‖·‖₂ = {norms[name]:.3g}"
        )
        for name, m in drawn.items()
    ]
    both = norms["x"] + norms["F(x)"]
    share = norms["F(x)"] / both if both else 0.0
    shares = (
        (_("shortcut {share:.0%}").format(share=1 - share), 1 - share),
        (_("branch {share:.0%}").format(share=share), share),
    )
    clickable.show(html.residual_sum(tiles, scale_bar(scale), shares), "residual")
    what = (
        _("Mean over the channels")
        if channel is None
        else _("Channel {channel}").format(channel=channel)
    )
    st.caption(
        _(
            "{what} before the last activation, all three on one scale centred on zero. "
            "The bar compares the norms ‖x‖ and ‖F(x)‖."
        ).format(what=what)
    )
    layout.arrays_download(
        _("Download the three maps"),
        f"{parts.block}-sum",
        {"shortcut": parts.shortcut, "branch": parts.branch, "sum": parts.total},
    )
