"""How far each layer lies from what it stored, and its gamma and beta over depth."""

from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures.batchnorm import drift
from resviz.ui.base import page as layout
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.batchnorm import batch
from resviz.ui.batchnorm import channels as norm_channels
from resviz.ui.services import models
from resviz.ui.widgets import clickable

if TYPE_CHECKING:
    from resviz.probes.batchnorm.statistics import BatchNormLayer


def show(page: batch.Page) -> None:
    """Drift of every layer, gamma and beta over depth; then one layer's channels, and one channel's values."""
    layers = page.layers
    batch.show_pictures(page)
    over_depth, affine = layout.wide("drift").columns([1.25, 1], gap="large")
    chosen = _chosen_layer(layers)
    with over_depth:
        st.subheader(_("How far this batch lies from what is stored"), anchor=False)
        heads = (_("median"), _("off"), _("dead"))
        title = _("{layer}: open its channels")
        clickable.show(drift.drift_rows(layers, chosen.layer, heads, title), "drift", "bn")
        _explain_drift(layers)
    with affine:
        st.subheader(_("Gamma and beta, learned"), anchor=False)
        _show_affine(layers)
    norm_channels.show_layer(page, layers)
    if note := models.untrained(page.subject.model):
        st.caption(f"**{note}**")


def _chosen_layer(layers: "tuple[BatchNormLayer, ...]") -> "BatchNormLayer":
    named = {layer.layer: layer for layer in layers}
    return named.get(url_state.chosen("bn") or "", layers[0])


def _explain_drift(layers: "tuple[BatchNormLayer, ...]") -> None:
    off, dead, channels = (
        sum(map(len, parts))
        for parts in (
            [la.switched_off for la in layers],
            [la.dead for la in layers],
            [la.gamma for la in layers],
        )
    )
    st.caption(
        _(
            "A row is a layer, its channels from the most to the least drifted; yellow lies far from the running "
            "statistics. Drift is the symmetric Kullback-Leibler divergence of two Gaussians, the batch's and the "
            "stored one, in nats. Of {channels:,} channels {off:,} are off (|γ| below 0.01) and {dead:,} dead: never "
            "positive before their ReLU. Click a layer to open it."
        ).format(channels=channels, off=off, dead=dead)
    )
    rows = [
        (
            la.layer,
            len(la.gamma),
            la.batches,
            la.drift,
            len(la.switched_off),
            len(la.dead),
            la.batch.values,
        )
        for la in layers
        if la.batch
    ]
    columns = (
        "layer",
        "channels",
        "batches_seen",
        "median_drift_nats",
        "off",
        "dead",
        "values_per_channel",
    )
    layout.table_download(_("Download the layers"), "batchnorm", columns, rows)


def _show_affine(layers: "tuple[BatchNormLayer, ...]") -> None:
    named = {layer.layer: layer for layer in layers}
    names = layout.spread(list(named), batch.MAX_VIOLINS)
    st.plotly_chart(
        drift.affine_violins(
            names,
            [named[name].gamma for name in names],
            [named[name].beta for name in names],
            (_("gamma"), _("beta")),
            layout.dark(),
        ),
        config={"displayModeBar": False},
        alt=_("Gamma and beta of {count} layers over depth").format(count=len(names)),
    )
    st.caption(
        _(
            "How different the scale γ and the shift β of the channels are, in {shown} of {all} layers. "
            "A layer starts at γ = 1 and β = 0 (or γ = 0, where a branch should start silent)."
        ).format(shown=len(names), all=len(layers))
    )
