"""A network without BatchNorm: what it has in its place, and what becomes of the scale of its outputs."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.errors import Sentence
from resviz.figures.batchnorm import drift, no_norm
from resviz.ui.base import page
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.numbers import times
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import batch as batchnorm
from resviz.ui.batchnorm import results, runs
from resviz.ui.services import image_batches, models
from resviz.ui.services.subject import Subject

if TYPE_CHECKING:
    from resviz.probes.batchnorm.layers import Affine


def instead(model: str) -> Sentence | None:
    """What a network without BatchNorm has instead; None where it has BatchNorm."""
    from resviz.probes.batchnorm.layers import has_batch_norm, without_batch_norm

    net = models.model(model).model
    return None if has_batch_norm(net) else without_batch_norm(net)


def show(subject: Subject, sentence: Sentence) -> None:
    """The sentence, the scatter of the outputs over depth, and scales and biases where they differ."""
    st.info(escaped(whole(sentence)))
    _show_spread(subject)
    layers = results.affine(subject.model)
    if any(_differs(layer) for layer in layers):
        _show_affine(layers)
    elif layers:
        st.caption(_("All scales and biases are as they were at the start: 1 and 0."))
    runs.link_to_race()


def _show_spread(subject: Subject) -> None:
    st.subheader(_("How far the outputs scatter, layer by layer"), anchor=False)
    batch = image_batches.of(subject, "samples")
    found = results.spreads(subject.model, batch)
    names = page.spread(list(found), 2 * batchnorm.MAX_VIOLINS)
    st.plotly_chart(
        no_norm.spread(
            names, [found[name] for name in names], _("deviation of the outputs"), page.dark()
        ),
        config={"displayModeBar": False},
        alt=_("Standard deviation of the outputs of {count} convolutions over depth").format(
            count=len(names)
        ),
    )
    first, last = next(iter(found.values())), next(reversed(found.values()))
    st.caption(
        _(
            "All outputs of each convolution for the sample photos. A BatchNorm behind it would begin by bringing them "
            "to 1; here the deviation of the last layer is {times} that of the first."
        ).format(times=times(last / first if first else float("nan")))
    )


def _differs(layer: "Affine") -> bool:
    gamma = np.ones(1) if layer.gamma is None else layer.gamma
    return bool((gamma != 1).any() or (layer.beta != 0).any())


def _show_affine(layers: "tuple[Affine, ...]") -> None:
    shown = {layer.layer: layer for layer in layers}
    names = page.spread(list(shown), batchnorm.MAX_VIOLINS)
    st.plotly_chart(
        drift.affine_violins(
            names,
            [shown[name].gamma for name in names],
            [shown[name].beta for name in names],
            (_("gamma"), _("beta, or bias")),
            page.dark(),
        ),
        config={"displayModeBar": False},
        alt=_("Scale and bias of {count} layers over depth").format(count=len(names)),
    )
    st.caption(
        _("Scale and bias of {shown} of {all} layers, in forward order.").format(
            shown=len(names), all=len(layers)
        )
    )
