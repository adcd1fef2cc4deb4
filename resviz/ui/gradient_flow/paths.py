"""The paths of the chosen network: how many of each length, and which carry the gradient."""

from typing import TYPE_CHECKING

import streamlit as st

from resviz.errors import ProbeError
from resviz.figures.gradient_flow import lesions as figures
from resviz.ui.base import page
from resviz.ui.base.bounded_cache import cached
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.numbers import power_of_two
from resviz.ui.base.page import escaped
from resviz.ui.gradient_flow import switchboard
from resviz.ui.services import models, photo_results
from resviz.ui.services.subject import Subject
from resviz.ui.widgets.chart import chart

if TYPE_CHECKING:
    from resviz.probes.gradient_flow.paths import Paths

ENOUGH = 64  # random paths of all lengths together
MOST_BLOCKS = 60  # of a network whose paths are sampled while a visitor waits


def paths_panel(subject: Subject) -> None:
    """Paths and gradient by length, or the sentence why there are none."""
    try:
        with st.spinner(_("Sampling paths")):
            sampled = _paths(subject)
    except ProbeError as refusal:
        st.caption(escaped(whole(refusal)))
        return
    labels = figures.PathLabels(
        paths=_("paths of this length"),
        gradient=_("gradient through them"),
        length=_("branches on the path"),
        share=_("share"),
    )
    low, high = sampled.most
    summary = _(
        "Paths of {low} to {high} branches carry 95% of the gradient; most paths have about {half}."
    )
    chart(
        figures.path_lengths(sampled.share, sampled.contribution, labels, page.dark()),
        _("Paths and gradient by path length"),
        summary.format(low=low, high=high, half=len(sampled.blocks) // 2),
        sampled.table(),
        name="paths",
        how_to_read=_how_to_read(sampled),
    )


def _how_to_read(sampled: "Paths") -> str:
    return _(
        "{blocks} blocks make {count} paths: each goes through the branch or the shortcut of every "
        "block. The gradient of a length is the norm at the photo through one path, mean of "
        "{samples} random ones, times their number (Veit et al. 2016, section 4.3)."
    ).format(
        blocks=len(sampled.blocks),
        count=power_of_two(len(sampled.blocks)),
        samples=sampled.samples,
    )


@cached(64)
def _paths(subject: Subject) -> "Paths":
    from resviz.probes.gradient_flow.paths import paths

    blocks = len(switchboard.removable(subject.model))
    if blocks > MOST_BLOCKS:
        raise ProbeError(
            _("Paths are sampled in networks of at most {most} blocks.").format(most=MOST_BLOCKS)
        )
    target = photo_results.prediction(subject).top[0].index
    samples = max(2, ENOUGH // (blocks + 1))
    with models.borrowed(subject.model) as net:
        return paths(net, photo_results.tensor(subject), target, samples=samples)
