"""The parts of the page on BatchNorm, one at a time: only the chosen one computes."""

from collections.abc import Callable

import streamlit as st

from resviz.ui.base import url_state as view
from resviz.ui.base.i18n import translate as _
from resviz.ui.batchnorm import batch as batchnorm
from resviz.ui.batchnorm import batch_size as norm_sizes
from resviz.ui.batchnorm import drift as norm_drift
from resviz.ui.batchnorm import folding as norm_fold
from resviz.ui.batchnorm import modes as norm_modes
from resviz.ui.batchnorm import no_norm as norm_none
from resviz.ui.batchnorm import through_training as norm_training
from resviz.ui.batchnorm import train_eval_gap as norm_mismatch
from resviz.ui.batchnorm import worked_example as norm_by_hand
from resviz.ui.shell import sidebar as controls

OF_A_MODEL: dict[str, Callable[[batchnorm.Page], None]] = {
    "drift": norm_drift.show,
    "answers": norm_modes.show,
    "size": norm_sizes.show,
    "fold": norm_fold.show,
}
BEGINS = {"answers": ("photo", "blur")}  # not as the other parts: what is compared should differ
ALONE: dict[str, Callable[[], None]] = {
    "hand": norm_by_hand.show,
    "training": norm_training.show,
    "mismatch": norm_mismatch.show,
}


def choose() -> str:
    """Which part of the page is open."""
    titles = {
        "drift": _("Drift"),
        "answers": _("Other statistics"),
        "size": _("Batch size"),
        "fold": _("Folded"),
        "hand": _("By hand"),
        "training": _("Through training"),
        "mismatch": _("Training vs evaluation"),
    }
    return view.pick(
        st.segmented_control,
        _("Show"),
        list(titles),
        "drift",
        "aspect",
        required=True,
        format_func=titles.__getitem__,
        label_visibility="collapsed",
        wrap=True,
    )


def show(part: str) -> None:
    """Draw that part; one about a model says what there is where it has no BatchNorm."""
    if part in ALONE:
        ALONE[part]()
        return
    subject = controls.subject()
    if sentence := norm_none.instead(subject.model):
        norm_none.show(subject, sentence)
    else:
        OF_A_MODEL[part](batchnorm.choose(subject, BEGINS.get(part, batchnorm.BEGIN)))
