"""The channels of a layer: in which order, which page of them, and their grid."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.figures import html, raster
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.services import models, photo_results
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import clickable
from resviz.ui.widgets.layer_picker import class_picker
from resviz.ui.widgets.segmented import segmented

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from resviz.probes.core.layers import Layer
    from resviz.probes.feature_maps.activations import Activation

PER_PAGE, COLUMNS = 64, 8
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
    def on_page(self) -> list[int]:
        """The channels of this page, in order."""
        return [int(c) for c in self.order[self.start : self.start + PER_PAGE]]


def first_block(subject: Subject) -> str:
    """The layer to begin with: the first block, where edges and colours can still be recognised."""
    return models.map_blocks(subject.model)[0]


def page_of_channels(subject: Subject, layer: "Layer") -> ChannelPage:
    """The controls over the grid."""
    activation = photo_results.activation(subject, layer.name)
    order_by, target, pager, scale = page.wide("order").columns(
        [2, 0.8, 0.9, 0.8], gap="medium", vertical_alignment="bottom"
    )
    kind = segmented(_("Order of the channels"), _order_titles(), "index", "order", place=order_by)
    with scale:
        shared = url_state.switch(_("One scale for all"), "shared")
    weight = _weight(kind, subject, activation, target)
    order = _order(activation, weight)
    start = _first_of_page(pager, order)
    return ChannelPage(activation, order, weight, start, _channel(order, start), shared)


def _order_titles() -> dict[str, str]:
    return {
        "index": _("Number"),
        "mean": _("Mean activation"),
        "relevance": _("Evidence for a class"),
    }


def _order(activation: "Activation", weight: np.ndarray | None) -> np.ndarray:
    if weight is None:
        return np.arange(len(activation.mean))
    return np.argsort(-weight, kind="stable")


def _weight(
    kind: str, subject: Subject, activation: "Activation", place: "DeltaGenerator"
) -> np.ndarray | None:
    if kind == "mean":
        return activation.mean
    if kind == "relevance":
        top = photo_results.prediction(subject).top[0].index
        with place:
            target = class_picker(_("Class"), subject, top, "target")
        return photo_results.channel_relevance(subject, activation.layer, target)
    return None


def _first_of_page(place: "DeltaGenerator", order: np.ndarray) -> int:
    """Index of the first channel on the page; no pager where one page holds all."""
    channels, chosen = len(order), url_state.chosen("channel")
    starts = list(range(0, channels, PER_PAGE))
    if len(starts) == 1:
        return 0
    of_chosen = (s for s in starts if chosen in [str(c) for c in order[s : s + PER_PAGE]])
    return url_state.pick(
        place.select_slider,
        _("Channels"),
        starts,
        next(of_chosen, 0),
        "first",
        format_func=lambda start: f"{start + 1}-{min(start + PER_PAGE, channels)}",
    )


def _channel(order: np.ndarray, start: int) -> int:
    """The channel at large: the chosen one where it is on the page, else the first."""
    on_page = [int(channel) for channel in order[start : start + PER_PAGE]]
    chosen = url_state.chosen("channel")
    return next((channel for channel in on_page if str(channel) == chosen), on_page[0])


def grid_of_channels(channel_page: ChannelPage) -> None:
    """The grid; a click puts a channel at large."""
    activation, on_page = channel_page.activation, channel_page.on_page
    columns = min(COLUMNS, len(on_page))
    titles = [(str(c), _channel_title(channel_page, c)) for c in on_page]
    mosaic = raster.mosaic_png(
        activation.values[on_page], columns, channel_page.shared, page.dark()
    )
    alt = _("{count} channels of {layer} as maps").format(
        count=len(on_page), layer=activation.layer
    )
    grid = html.channel_grid(
        raster.data_uri(mosaic), alt, columns, titles, str(channel_page.chosen)
    )
    clickable.show(grid, "grid", "channel")
    st.caption(_about_grid(channel_page))
    name, table = f"{activation.layer}-channels", activation.table()
    page.table_download(_("Download the channels' statistics"), name, table.columns, table.rows)


def _channel_title(channel_page: ChannelPage, channel: int) -> str:
    if channel_page.weight is None:
        mean = channel_page.activation.mean[channel]
        return _("Channel {channel}, mean activation {mean:.3g}").format(channel=channel, mean=mean)
    weight = channel_page.weight[channel]
    return _("Channel {channel}, {value:.3g}").format(channel=channel, value=weight)


def _about_grid(channel_page: ChannelPage) -> str:
    """What the fields show, and how many channels say nothing."""
    sentences = [_colours(channel_page).format(layer=channel_page.activation.layer)]
    if dead := len(channel_page.activation.dead):
        channels = len(channel_page.activation.mean)
        sentences.append(
            _("{dead} of {channels} channels are zero everywhere.").format(
                dead=dead, channels=channels
            )
        )
    return " ".join(sentences)


def _colours(channel_page: ChannelPage) -> str:
    signed = bool((channel_page.activation.values < 0).any())
    return {
        (True, True): _(
            "Each field is a channel of {layer}, all on one scale: blue is negative, red positive."
        ),
        (True, False): _(
            "Each field is a channel of {layer} on its own scale: blue is negative, red positive."
        ),
        (False, True): _(
            "Each field is a channel of {layer}, all on one scale: dark is zero, yellow strong."
        ),
        (False, False): _(
            "Each field is a channel of {layer} on its own scale: dark is zero, yellow strong."
        ),
    }[signed, channel_page.shared]
