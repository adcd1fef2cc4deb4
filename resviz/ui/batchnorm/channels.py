"""One BatchNorm layer's channels, and the values of one of them before and after the layer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures.batchnorm import channels as figures
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.numbers import significant
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import results
from resviz.ui.widgets.chart import chart

if TYPE_CHECKING:
    from resviz.probes.batchnorm.channels import ChannelValues
    from resviz.probes.batchnorm.statistics import BatchNormLayer
    from resviz.ui.batchnorm.batch import Page

url_state.depends_on_model("bn", "unit")


def pick_layer(names: Sequence[str]) -> str:
    """The picker of BatchNorm layers; the choice holds for all parts of the page."""
    return url_state.pick(st.selectbox, _("Layer"), names, names[0], "bn")


def layer_and_channel(layers: "tuple[BatchNormLayer, ...]") -> "tuple[BatchNormLayer, int]":
    """The two pickers; the channel is by default the one that drifted most."""
    by_name = {layer.layer: layer for layer in layers}
    which, unit = st.columns([1.4, 1], gap="medium")
    with which:
        layer = by_name[pick_layer(list(by_name))]
    with unit:
        return layer, _pick_channel(layer)


def _pick_channel(layer: "BatchNormLayer") -> int:
    drifts = layer.divergence
    order = [int(channel) for channel in (-drifts).argsort(kind="stable")]
    title = _("channel {number} · {drift} nats")
    return url_state.pick(
        st.selectbox,
        _("Channel, most drifted first"),
        order,
        order[0],
        "unit",
        format_func=lambda channel: title.format(
            number=channel, drift=significant(float(drifts[channel]))
        ),
    )


def channel_section(choice: "Page", layers: "tuple[BatchNormLayer, ...]") -> None:
    """The channels of the chosen layer as a cloud, beside the chosen channel's values."""
    st.header(_("One layer, one channel"), anchor=False)
    cloud, values = page.wide("layer").columns([1, 1.45], gap="large")
    with values:
        layer, channel = layer_and_channel(layers)
        histograms = results.channel(choice.subject.model, choice.batch, layer.layer, channel)
        _channel_values(histograms, layer)
    with cloud:
        _channel_cloud(layer, channel)


def _channel_cloud(layer: "BatchNormLayer", channel: int) -> None:
    labels = figures.CloudLabels(
        shift=_("shift of the mean (stored std)"),
        spread=_("std, compared with the stored one"),
        channel=_("channel"),
    )
    key = f"cloud-{layer.layer}"
    alt = _("Shift and spread of the {count} channels of {layer}")
    chart(
        figures.channel_cloud(layer, channel, labels, page.dark()),
        alt=alt.format(count=len(layer.gamma), layer=layer.layer),
        caption=_cloud_caption(layer),
        key=key,
        on_select=lambda: _choose_point(key),
    )


def _cloud_caption(layer: "BatchNormLayer") -> str:
    name, count = escaped(layer.layer), len(layer.gamma)
    constant = int(layer.batch.constant.sum()) if layer.batch else 0
    if constant:
        text = _(
            "The {count} channels of {layer}; {constant} of them never vary here. In the middle "
            "nothing drifted. Click a channel."
        )
        return text.format(count=count, layer=name, constant=constant)
    text = _("The {count} channels of {layer}. In the middle nothing drifted. Click a channel.")
    return text.format(count=count, layer=name)


def _choose_point(key: str) -> None:
    """Remember the channel of the point that was clicked."""
    points = st.session_state[key].selection.points
    if points and "customdata" in points[0]:
        data = points[0]["customdata"]
        url_state.choose("unit", int(data[0] if isinstance(data, list) else data))


def _channel_values(histograms: "ChannelValues", layer: "BatchNormLayer") -> None:
    labels = figures.HistogramLabels(
        before=_("into the layer"),
        after=_("out of the layer"),
        rectified=_("after the ReLU"),
        value=_("value"),
        values=_("values"),
        expected=_("expected"),
        actual=_("mean and std of these"),
    )
    alt = _("Values of channel {channel} before and after {layer}")
    chart(
        figures.channel_histograms(histograms, layer, labels, page.dark()),
        alt=alt.format(channel=histograms.channel, layer=histograms.layer),
        caption=_stored_numbers(histograms, layer),
        how_to_read=_reading(histograms, layer),
    )


def _stored_numbers(histograms: "ChannelValues", layer: "BatchNormLayer") -> str:
    channel = histograms.channel
    text = _(
        "Channel {channel}: γ {gamma}, β {beta}; running mean {mean} and variance {variance}, from "
        "{batches:,} batches; here {mean_here} and {variance_here}."
    )
    return text.format(
        channel=channel,
        gamma=significant(layer.gamma[channel]),
        beta=significant(layer.beta[channel]),
        mean=significant(layer.running_mean[channel]),
        variance=significant(layer.running_variance[channel]),
        batches=layer.batches,
        mean_here=significant(histograms.before.mean),
        variance_here=significant(histograms.before.variance),
    )


def _reading(histograms: "ChannelValues", layer: "BatchNormLayer") -> str:
    purple = _(
        "The purple curve is the Gaussian that the running statistics promise. The layer sets mean "
        "and standard deviation; the shape stays. In evaluation all this is one factor, "
        "γ / √(variance + ε) = {scale}, which can be folded into the convolution before it."
    ).format(scale=significant(layer.scale[histograms.channel]))
    if histograms.rectified:
        return purple
    shortcut = _("No ReLU follows directly; in a residual block the shortcut is added first.")
    return f"{purple} {shortcut}"
