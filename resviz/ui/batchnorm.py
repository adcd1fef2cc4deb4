"""The page on BatchNorm: which images are the batch, and how far each layer lies from what it stored."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from resviz.data.corruptions import KINDS, STRENGTHS
from resviz.figures import batchnorm as figures
from resviz.figures import boards
from resviz.ui import board, cache, layout, norm_channels, view
from resviz.ui import norm_cache as results
from resviz.ui.controls import Subject
from resviz.ui.i18n import translate as _
from resviz.ui.layout import escaped
from resviz.ui.norm_cache import Batch

if TYPE_CHECKING:
    from resviz.probes.batchnorm import BatchNormLayer

VIEWS = ("drift", "answers", "size", "hand")
BATCHES = ("samples", "photo", "uploads", "noise")
MAX_VIOLINS = 24


@dataclass(frozen=True, slots=True)
class Page:
    """What the page is about: model and photo, and the batch made of them."""

    subject: Subject
    batch: Batch
    corruption: str
    strength: int

    @property
    def layers(self) -> "tuple[BatchNormLayer, ...]":
        """All BatchNorm layers with this batch."""
        return results.layers(self.subject.model, self.batch.key, self.batch)


def view_picker() -> str:
    """Which part of the page is open."""
    titles = {
        "drift": _("Drift"),
        "answers": _("Other statistics"),
        "size": _("Batch size"),
        "hand": _("By hand"),
    }
    return view.pick(
        st.segmented_control,
        _("Show"),
        VIEWS,
        "drift",
        "aspect",
        required=True,
        format_func=titles.__getitem__,
        label_visibility="collapsed",
    )


def choose(subject: Subject) -> Page:
    """The controls for the batch, and its pictures as the network receives them."""
    kind, harm, force = layout.wide("batch").columns([2.5, 2.6, 0.9], gap="medium", vertical_alignment="bottom")
    with kind:
        source = view.pick(
            st.segmented_control,
            _("The batch"),
            BATCHES,
            "samples",
            "batch",
            required=True,
            format_func=_batch_title,
        )
    with harm:
        corruption = view.pick(
            st.segmented_control,
            _("Made worse by"),
            KINDS,
            "none",
            "corruption",
            required=True,
            format_func=_corruption_title,
        )
    strength = 3
    if corruption not in ("none", "invert"):
        with force:
            strength = view.pick(st.select_slider, _("Strength"), STRENGTHS, 3, "strength")
    if source == "uploads":
        results.keep_uploads()
    return Page(subject, results.batch(subject, source, corruption, strength), corruption, strength)


def _batch_title(source: str) -> str:
    return {
        "samples": _("Samples"),
        "photo": _("This photo"),
        "uploads": _("Uploads"),
        "noise": _("Noise"),
    }[source]


def _corruption_title(kind: str) -> str:
    return {
        "none": _("Nothing"),
        "blur": _("Blur"),
        "noise": _("Noise"),
        "contrast": _("Contrast"),
        "invert": _("Negative"),
    }[kind]


def show_pictures(page: Page, chosen: int | None = None) -> None:
    """The batch as the network receives it; with `chosen`, a click chooses one."""
    pairs = zip(page.batch.titles, results.thumbnails(page.batch), strict=True)
    tiles = [boards.Tile(str(i), uri, title) for i, (title, uri) in enumerate(pairs)]
    board.show(figures.pictures(tiles, None if chosen is None else str(chosen)), "batch", "image")


def without(model: str) -> str | None:
    """The sentence for a network without BatchNorm; None where there is one."""
    from resviz.probes.norms import has_batch_norm, without_batch_norm

    net = cache.model(model).model
    return None if has_batch_norm(net) else without_batch_norm(net)


def show_instead(model: str, sentence: str) -> None:
    """What a network without BatchNorm has in its place."""
    st.info(escaped(sentence))
    layers = results.affine(model)
    if not layers:
        return
    shown = {layer.layer: layer for layer in layers}
    names = layout.spread(list(shown), MAX_VIOLINS)
    st.plotly_chart(
        figures.affine_violins(
            names,
            [shown[name].gamma for name in names],
            [shown[name].beta for name in names],
            (_("gamma"), _("beta, or bias")),
            layout.dark(),
        ),
        config={"displayModeBar": False},
        alt=_("Scale and bias of {count} layers over depth").format(count=len(names)),
    )
    st.caption(
        _("Scale and bias of {shown} of {all} layers, in forward order.").format(shown=len(names), all=len(layers))
    )


def show_drift(page: Page) -> None:
    """Drift of every layer, gamma and beta over depth; then one layer's channels, and one channel's values."""
    layers = page.layers
    show_pictures(page)
    over_depth, affine = layout.wide("drift").columns([1.25, 1], gap="large")
    chosen = _chosen_layer(layers)
    with over_depth:
        st.subheader(_("How far this batch lies from what is stored"), anchor=False)
        heads = (_("median"), _("off"), _("dead"))
        title = _("{layer}: open its channels")
        board.show(figures.drift_rows(layers, chosen.layer, heads, title), "drift", "bn")
        _explain_drift(layers)
    with affine:
        st.subheader(_("Gamma and beta, learned"), anchor=False)
        _show_affine(layers)
    norm_channels.show_layer(page, layers)
    if note := cache.untrained(page.subject.model):
        st.caption(f"**{note}**")


def _chosen_layer(layers: "tuple[BatchNormLayer, ...]") -> "BatchNormLayer":
    named = {layer.layer: layer for layer in layers}
    return named.get(view.chosen("bn") or "", layers[0])


def _explain_drift(layers: "tuple[BatchNormLayer, ...]") -> None:
    off, dead, channels = (
        sum(map(len, parts))
        for parts in ([la.switched_off for la in layers], [la.dead for la in layers], [la.gamma for la in layers])
    )
    st.caption(
        _(
            "A row is a layer, its channels from the most to the least drifted; yellow lies far from the running "
            "statistics. Drift is the symmetric Kullback-Leibler divergence of two Gaussians, the batch's and the "
            "stored one. Of {channels:,} channels {off:,} are off (|γ| < 0.01) and {dead:,} dead: never positive "
            "before their ReLU. Click a layer to open it."
        ).format(channels=channels, off=off, dead=dead)
    )
    rows = [
        (la.layer, len(la.gamma), la.batches, la.drift, len(la.switched_off), len(la.dead), la.batch.values)
        for la in layers
        if la.batch
    ]
    columns = ("layer", "channels", "batches_seen", "median_drift_nats", "off", "dead", "values_per_channel")
    layout.table_download(_("Download the layers"), "batchnorm", columns, rows)


def _show_affine(layers: "tuple[BatchNormLayer, ...]") -> None:
    named = {layer.layer: layer for layer in layers}
    names = layout.spread(list(named), MAX_VIOLINS)
    st.plotly_chart(
        figures.affine_violins(
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
            "How the channels of {shown} of {all} layers share out their scale γ and shift β. "
            "A layer starts at γ = 1 and β = 0 (or γ = 0, where a branch should start silent)."
        ).format(shown=len(names), all=len(layers))
    )
