"""A network without BatchNorm: what it has in its place, and the scale of its outputs."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.errors import Sentence
from resviz.figures.batchnorm import affine, no_norm
from resviz.ui.base import page
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.numbers import times
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import batch, results, runs
from resviz.ui.services import models
from resviz.ui.services.subject import Subject
from resviz.ui.widgets.chart import chart

if TYPE_CHECKING:
    from resviz.probes.batchnorm.layers import Affine


def instead(model: str) -> Sentence | None:
    """What a network without BatchNorm has instead; None where it has BatchNorm."""
    from resviz.probes.batchnorm.layers import has_batch_norm, without_batch_norm

    net = models.model(model).model
    return None if has_batch_norm(net) else without_batch_norm(net)


def no_norm_section(subject: Subject, sentence: Sentence) -> None:
    """The sentence, the scale of the outputs over depth, and learned scales and biases."""
    st.info(escaped(whole(sentence)))
    _scale_of_outputs(subject)
    layers = results.affine(subject.model)
    if any(_has_learned(layer) for layer in layers):
        _scales_and_biases(layers)
    elif layers:
        st.caption(_("All scales and biases are as they were at the start: 1 and 0."))
    runs.link_to_race()


def _scale_of_outputs(subject: Subject) -> None:
    from resviz.probes.batchnorm.no_norm import table

    st.header(_("How far the outputs scatter, layer by layer"), anchor=False)
    stds = results.spreads(subject.model, batch.default_pictures(subject))
    names = page.spread(list(stds), 2 * batch.MAX_VIOLINS)
    figure = no_norm.spread(
        names,
        [stds[name] for name in names],
        no_norm.Labels(std=_("standard deviation of the outputs")),
        page.dark(),
    )
    alt = _("Standard deviation of the outputs of {count} convolutions over depth")
    chart(
        figure,
        alt=alt.format(count=len(names)),
        caption=_growth(list(stds.values())),
        table=table(stds),
        name="spread",
        how_to_read=_(
            "All outputs of each convolution for these pictures. A BatchNorm behind it would begin "
            "by bringing them to 1, the dotted line."
        ),
    )


def _growth(stds: list[float]) -> str:
    ratio = stds[-1] / stds[0] if stds[0] else float("nan")
    text = _("The standard deviation of the last layer is {times} that of the first.")
    return text.format(times=times(ratio))


def _has_learned(layer: "Affine") -> bool:
    """Whether a scale is not 1, or a shift not 0."""
    gamma = np.ones(1) if layer.gamma is None else layer.gamma
    return bool((gamma != 1).any() or (layer.beta != 0).any())


def _scales_and_biases(layers: "tuple[Affine, ...]") -> None:
    by_name = {layer.layer: layer for layer in layers}
    names = page.spread(list(by_name), batch.MAX_VIOLINS)
    figure = affine.affine_violins(
        names,
        [by_name[name].gamma for name in names],
        [by_name[name].beta for name in names],
        affine.Labels(gamma=_("gamma"), beta=_("beta, or bias")),
        page.dark(),
    )
    caption = _("Scale and bias of {shown} of {all} layers, in forward order.")
    chart(
        figure,
        alt=_("Scale and bias of {count} layers over depth").format(count=len(names)),
        caption=caption.format(shown=len(names), all=len(layers)),
    )
