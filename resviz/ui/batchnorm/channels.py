"""One BatchNorm layer's channels, and the values of one of them before and after the layer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures.batchnorm import drift
from resviz.ui.base import page as layout
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import results

if TYPE_CHECKING:
    from resviz.probes.batchnorm.statistics import BatchNormLayer, ChannelValues
    from resviz.ui.batchnorm.batch import Page

url_state.depends_on_model("bn", "unit")


def pick_layer(names: Sequence[str]) -> str:
    """The picker of BatchNorm layers; the choice holds for all parts of the page."""
    return url_state.pick(st.selectbox, _("Layer"), names, names[0], "bn")


def layer_and_channel(layers: "tuple[BatchNormLayer, ...]") -> "tuple[BatchNormLayer, int]":
    """The two pickers; the channel is by default the one that drifted most."""
    named = {layer.layer: layer for layer in layers}
    which, unit = st.columns([1.4, 1], gap="medium")
    with which:
        layer = named[pick_layer(list(named))]
    order = [int(c) for c in (-layer.divergence).argsort(kind="stable")]
    with unit:
        channel = url_state.pick(
            st.selectbox,
            _("Channel, most drifted first"),
            order,
            order[0],
            "unit",
            format_func=lambda c: _("channel {number} · {drift:.3g} nats").format(
                number=c, drift=layer.divergence[c]
            ),
        )
    return layer, channel


def show_layer(page: "Page", layers: "tuple[BatchNormLayer, ...]") -> None:
    """The channels of the chosen layer as a cloud, and the chosen channel's values."""
    st.subheader(_("One layer, one channel"), anchor=False)
    cloud, values = layout.wide("layer").columns([1, 1.45], gap="large")
    with values:
        layer, channel = layer_and_channel(layers)
        found = results.channel(page.subject.model, page.batch, layer.layer, channel)
        _show_channel(found, layer)
    with cloud:
        _show_cloud(layer, channel)


def _show_cloud(layer: "BatchNormLayer", channel: int) -> None:
    words = drift.Words(
        _("shift of the mean (stored deviations)"), _("spread against stored"), _("channel")
    )
    st.plotly_chart(
        drift.channel_cloud(layer, channel, words, layout.dark()),
        config={"displayModeBar": False},
        key=f"cloud-{layer.layer}",
        on_select=lambda: _take_point(f"cloud-{layer.layer}"),
        selection_mode="points",
        alt=_("Shift and spread of the {count} channels of {layer}").format(
            count=len(layer.gamma), layer=layer.layer
        ),
    )
    constant = int(layer.batch.constant.sum()) if layer.batch else 0
    never_varies = _(" {count} of them never vary here: their variance is 0.").format(
        count=constant
    )
    st.caption(
        _(
            "The {count} channels of {layer}: the middle is where nothing drifted. Click one."
        ).format(count=len(layer.gamma), layer=escaped(layer.layer))
        + (never_varies if constant else "")
    )


def _take_point(key: str) -> None:
    """Remember the channel of the point that was clicked."""
    points = st.session_state[key].selection.points
    if points and "customdata" in points[0]:
        data = points[0]["customdata"]
        url_state.choose("unit", int(data[0] if isinstance(data, list) else data))


def _show_channel(found: "ChannelValues", layer: "BatchNormLayer") -> None:
    titles = (_("into the layer"), _("out of it"), _("after the ReLU"))
    words = drift.Words(_("value"), "", _("values"), _("expected"), _("mean and spread of these"))
    st.plotly_chart(
        drift.channel_histograms(found, layer, titles, words, layout.dark()),
        config={"displayModeBar": False},
        alt=_("Values of channel {channel} before and after {layer}").format(
            channel=found.channel, layer=found.layer
        ),
    )
    c = found.channel
    st.caption(
        _(
            "Channel {channel}: γ {gamma:.3g}, β {beta:.3g}; running mean {mean:.3g}, variance {variance:.3g}, from "
            "{batches:,} batches; here {seen_mean:.3g} and {seen_variance:.3g}. Purple is the Gaussian that the "
            "running statistics promise: the layer sets mean and spread, the shape stays. In evaluation all this is "
            "one factor, γ / √(variance + ε) = {scale:.3g}, which can be folded into the convolution before it."
        ).format(
            channel=c,
            gamma=layer.gamma[c],
            beta=layer.beta[c],
            mean=layer.running_mean[c],
            variance=layer.running_variance[c],
            batches=layer.batches,
            scale=layer.scale[c],
            seen_mean=found.before.mean,
            seen_variance=found.before.variance,
        )
        + ("" if found.rectified else _(" No ReLU follows directly: the shortcut is added first."))
    )
