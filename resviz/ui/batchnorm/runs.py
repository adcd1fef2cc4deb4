"""Recorded runs for the page on BatchNorm: which one, and where to train one."""

from collections.abc import Mapping

import streamlit as st

from resviz.training.runs.reader import RunInfo
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.services.run_names import run_title, when

TRAINING = "pages/training.py"
# A race whose runs record BatchNorm.
RECORDED = {"preset": "race", "record": "full"}
# One network that sees four images at a time: about a minute.
SMALL_BATCH = {"preset": "race", "racers": "residual", "depths": "8", "minibatch": "4"}
# The same networks with BatchNorm and without it.
WITH_AND_WITHOUT = {"preset": "race", "norms": "batch,none"}


def title(info: RunInfo) -> str:
    """Network and data of a run, and when it was started."""
    return " · ".join([run_title(info), info.dataset, when(info)])


def pick(known: Mapping[str, RunInfo]) -> str:
    """The picker; the default is the run that the sidebar shows, else the youngest."""
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
    _link(_("Train a race that records it →"), RECORDED)


def link_to_race() -> None:
    """To the Training page, with the race of networks with BatchNorm against those without."""
    _link(_("Race networks with BatchNorm against networks without →"), WITH_AND_WITHOUT)


def link_to_small_batch() -> None:
    """To the Training page, with a network that sees four images at a time."""
    _link(_("Train a network on batches of four →"), SMALL_BATCH)


def _link(label: str, choices: dict[str, str]) -> None:
    st.page_link(TRAINING, label=label, query_params=choices)
