"""x + F(x) = y inside a residual block: three maps on one scale, and how the norms share."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.errors import ProbeError
from resviz.figures import html, raster
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped
from resviz.ui.feature_maps.panels import ChannelPage
from resviz.ui.services import models, photo_results
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import clickable
from resviz.ui.widgets.colour_scale import scale_bar

if TYPE_CHECKING:
    from resviz.probes.feature_maps.residual import ResidualParts


def sum_inside_the_block(subject: Subject, channel_page: ChannelPage) -> None:
    """Shortcut, branch and sum of the block that the layer lies in, where it has a shortcut."""
    block = _block_of(subject, channel_page.activation.layer)
    if block is None:
        return
    try:
        parts = photo_results.residual_parts(subject, block)
    except ProbeError as reason:
        st.caption(escaped(whole(reason)))
        return
    channel = _heading(channel_page, parts)
    _three_maps(parts if channel is None else parts.of_channel(channel))
    st.caption(_caption(channel))
    maps = {"shortcut": parts.shortcut, "branch": parts.branch, "sum": parts.total}
    page.arrays_download(_("Download the three maps"), f"{parts.block}-sum", maps)


def _block_of(subject: Subject, layer: str) -> str | None:
    if models.model(subject.model).spec is None:
        return None  # of another library: it has no place that is called the branch
    blocks = models.block_names(subject.model)
    return next((b for b in blocks if layer == b or layer.startswith(f"{b}.")), None)


def _heading(channel_page: ChannelPage, parts: "ResidualParts") -> int | None:
    """The heading, with a switch where channels are the block's; returns the channel it chooses."""
    alone = False
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        heading = _("Inside {block}: shortcut plus branch").format(block=parts.block)
        st.header(heading, anchor=False, width="content")
        if channel_page.activation.shape[0] == parts.total.shape[0]:
            label = _("Channel {channel} alone").format(channel=channel_page.chosen)
            alone = url_state.switch(label, "alone")
    return channel_page.chosen if alone else None


def _three_maps(parts: "ResidualParts") -> None:
    """The mean over the channels of each, all three on one scale; the bar compares the norms."""
    titles = (_("shortcut x"), _("branch F(x)"), _("sum x + F(x)"))
    means = [values.mean(0) for values in (parts.shortcut, parts.branch, parts.total)]
    norms = (parts.norm_shortcut, parts.norm_branch, parts.norm_total)
    scale = _common_scale(means)
    tiles = [
        html.Tile(
            "",
            raster.data_uri(raster.map_png(mean, scale, page.dark())),
            title,
            f"‖·‖₂ = {norm:.3g}",
        )
        for title, mean, norm in zip(titles, means, norms, strict=True)
    ]
    share = parts.share_branch
    shares = (
        (_("shortcut {share:.0%}").format(share=1 - share), 1 - share),
        (_("branch {share:.0%}").format(share=share), share),
    )
    clickable.show(html.residual_sum(tiles, scale_bar(scale), shares), "residual")


def _common_scale(maps: list[np.ndarray]) -> raster.Range:
    reach = max(float(np.abs(values).max()) for values in maps) or 1.0
    return raster.Range(-reach, reach, True)


def _caption(channel: int | None) -> str:
    if channel is None:
        return _(
            "Mean over the channels before the last activation, on one scale. "
            "The bar compares the norms ‖x‖ and ‖F(x)‖."
        )
    return _(
        "Channel {channel} before the last activation, on one scale. "
        "The bar compares the norms ‖x‖ and ‖F(x)‖."
    ).format(channel=channel)
