"""The parts of the page on BatchNorm, one at a time: only the chosen one computes."""

from collections.abc import Callable

import streamlit as st

from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.batchnorm import (
    batch,
    batch_size,
    drift,
    folding,
    modes,
    no_norm,
    through_training,
    train_eval_gap,
    worked_example,
)
from resviz.ui.shell import sidebar

OF_A_MODEL: dict[str, Callable[[batch.Page], None]] = {
    "drift": drift.show,
    "answers": modes.show,
    "size": batch_size.show,
    "fold": folding.show,
}
BEGINS = {"answers": ("photo", "blur")}  # not as the other parts: what is compared should differ
ALONE: dict[str, Callable[[], None]] = {
    "hand": worked_example.show,
    "training": through_training.show,
    "mismatch": train_eval_gap.show,
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
    return url_state.pick(
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
    subject = sidebar.subject()
    if sentence := no_norm.instead(subject.model):
        no_norm.show(subject, sentence)
    else:
        OF_A_MODEL[part](batch.choose(subject, BEGINS.get(part, batch.BEGIN)))
