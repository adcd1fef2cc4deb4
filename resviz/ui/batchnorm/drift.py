"""How far each layer lies from what it stored, and its gamma and beta over depth."""

from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures.batchnorm import affine, drift
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.batchnorm import batch, channels
from resviz.ui.services import models
from resviz.ui.widgets import clickable
from resviz.ui.widgets.chart import chart

if TYPE_CHECKING:
    from resviz.probes.batchnorm.statistics import BatchNormLayer


def drift_section(choice: batch.Page) -> None:
    """Drift of every layer beside its gamma and beta; below, one layer and one channel of it."""
    layers = choice.layers
    batch.show_pictures(choice)
    over_depth, learned = page.wide("drift").columns([1.25, 1], gap="large")
    with over_depth:
        _drift_over_depth(layers)
    with learned:
        _gamma_and_beta(layers)
    channels.channel_section(choice, layers)
    if note := models.untrained(choice.subject.model):
        st.caption(f"**{note}**")


def _drift_over_depth(layers: "tuple[BatchNormLayer, ...]") -> None:
    from resviz.probes.batchnorm.summary import table

    st.header(_("How far this batch lies from what is stored"), anchor=False)
    labels = drift.Labels(
        median=_("median"),
        off=_("off"),
        dead=_("dead"),
        open_layer=_("Open the channels of {layer}"),
    )
    rows = drift.drift_rows(layers, _chosen_layer(layers), labels)
    clickable.show(rows, "drift", "bn")
    st.caption(_totals(layers))
    with st.expander(_("How to read this")):
        st.markdown(
            _(
                "A row is a layer, its channels sorted from the most to the least drifted; yellow "
                "lies far from the running statistics. Drift is the symmetric Kullback-Leibler "
                "divergence, in nats, of two Gaussians: one with the batch's mean and variance, "
                "one with the stored ones. A channel is off where |γ| is below 0.01, and dead "
                "where it is never positive before its ReLU. Click a layer to open it."
            )
        )
    numbers = table(layers)
    page.table_download(_("Download the layers"), "batchnorm", numbers.columns, numbers.rows)


def _chosen_layer(layers: "tuple[BatchNormLayer, ...]") -> str:
    names = [layer.layer for layer in layers]
    chosen = url_state.chosen("bn")
    return chosen if chosen in names else names[0]


def _totals(layers: "tuple[BatchNormLayer, ...]") -> str:
    total = sum(len(layer.gamma) for layer in layers)
    off = sum(len(layer.switched_off) for layer in layers)
    dead = sum(len(layer.dead) for layer in layers)
    text = _("Of {channels:,} channels {off:,} are off and {dead:,} are dead for this batch.")
    return text.format(channels=total, off=off, dead=dead)


def _gamma_and_beta(layers: "tuple[BatchNormLayer, ...]") -> None:
    st.header(_("Gamma and beta, learned"), anchor=False)
    by_name = {layer.layer: layer for layer in layers}
    names = page.spread(list(by_name), batch.MAX_VIOLINS)
    figure = affine.affine_violins(
        names,
        [by_name[name].gamma for name in names],
        [by_name[name].beta for name in names],
        affine.Labels(gamma=_("gamma"), beta=_("beta")),
        page.dark(),
    )
    caption = _("Scale γ and shift β of the channels, in {shown} of {all} layers.")
    chart(
        figure,
        alt=_("Gamma and beta of {count} layers over depth").format(count=len(names)),
        caption=caption.format(shown=len(names), all=len(layers)),
        how_to_read=_(
            "A wide place is a value that many channels have. A layer starts at γ = 1 and β = 0 "
            "(or at γ = 0, where a branch should start silent)."
        ),
    )
