"""Recorded runs for the page on BatchNorm: which one, and where to train one."""

from collections.abc import Mapping

import streamlit as st

from resviz.training.runs.reader import RunInfo
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.services.run_names import run_title, when

TRAINING = "pages/training.py"
RECORDED = {"preset": "race", "record": "full"}  # a race whose runs record BatchNorm
SMALL_BATCH = {
    "preset": "race",
    "racers": "residual",
    "depths": "8",
    "minibatch": "4",
}  # about a minute
WITH_AND_WITHOUT = {
    "preset": "race",
    "norms": "batch,none",
}  # the same networks with BatchNorm and without it


def title(info: RunInfo) -> str:
    """Network and data of a run, and when it was started."""
    return " · ".join([run_title(info), info.dataset, when(info)])


def pick(known: Mapping[str, RunInfo]) -> str:
    """The picker; where the sidebar shows a run, that one is the default, else the youngest."""
    model = url_state.chosen("model") or ""
    looked_at = model.removeprefix("run/").partition("?")[0]
    default = looked_at if looked_at in known else next(iter(known))
    return url_state.pick(
        st.selectbox,
        _("Recorded run"),
        list(known),
        default,
        "bnrun",
        format_func=lambda name: title(known[name]),
    )


def link_to_recording() -> None:
    """To the Training page, with a race that records BatchNorm."""
    st.page_link(TRAINING, label=_("Train a race that records it →"), query_params=RECORDED)


def link_to_race() -> None:
    """To the Training page, with the race of networks with BatchNorm against those without."""
    st.page_link(
        TRAINING,
        label=_("Race networks with BatchNorm against networks without →"),
        query_params=WITH_AND_WITHOUT,
    )


def link_to_small_batch() -> None:
    """To the Training page, with a network that sees four images at a time."""
    st.page_link(
        TRAINING, label=_("Train a network on batches of four →"), query_params=SMALL_BATCH
    )
