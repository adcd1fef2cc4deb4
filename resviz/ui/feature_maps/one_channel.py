"""One channel at large: over the photo, cell by cell, as a histogram and in numbers."""

from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures import raster
from resviz.figures.feature_maps import histogram
from resviz.ui.base import page
from resviz.ui.base.i18n import translate as _
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import linked_map
from resviz.ui.widgets.chart import chart

if TYPE_CHECKING:
    from resviz.probes.feature_maps.activations import Activation


def one_channel(subject: Subject, activation: "Activation", channel: int) -> None:
    """The channel over the photo, its map, histogram and statistics."""
    values = activation.values[channel]
    labels = linked_map.MapLabels(
        photo=_("Channel {channel} over the photo").format(channel=channel),
        cells=_("Channel {channel} as a map").format(channel=channel),
    )
    scale = raster.value_range(values)
    linked_map.linked_map(subject, activation.layer, values, scale, labels, "channel")
    st.markdown(about_channel(activation, channel))
    chart(
        histogram.histogram(
            values, histogram.Labels(value=_("activation"), count=_("cells")), page.dark()
        ),
        alt=_("Histogram of the activations of channel {channel}").format(channel=channel),
        caption=_(
            "How often each activation occurs. Move over a cell to see which pixels it sees."
        ),
        table=histogram.table(values),
        name=f"{activation.layer}-{channel}-histogram",
        how_to_read=_(
            "The photo shows where the channel is positive; the map beside it shows all values, "
            "cell by cell. In the histogram the dotted line is zero."
        ),
    )


def about_channel(activation: "Activation", channel: int) -> str:
    """The channel's statistics in a line; for a constant one, its value."""
    low, high = activation.minimum[channel], activation.maximum[channel]
    mean = activation.mean[channel]
    if low == high:
        return _("**Channel {c}** · {value:.3g} at every place").format(c=channel, value=mean)
    row, column = activation.peak(channel)
    return _(
        "**Channel {c}** · mean {mean:.3g} · standard deviation {std:.3g} · "
        "{zeros:.0%} zeros · peak {peak:.3g} at row {row}, column {column} (the frame)"
    ).format(
        c=channel,
        mean=mean,
        std=activation.std[channel],
        zeros=activation.zeros[channel],
        peak=high,
        row=row,
        column=column,
    )
