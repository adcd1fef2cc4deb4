"""The button that starts a run or a race, why it cannot be pressed, and which runs a visitor looks at."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from resviz.errors import ResvizError
from resviz.models.spec import ModelSpec
from resviz.training.config import TrainConfig
from resviz.training.launch import queue
from resviz.training.request import MEASURE, Request
from resviz.training.runs import reader
from resviz.training.runs.reader import RunInfo
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped
from resviz.ui.services import models
from resviz.ui.services.run_names import run_title
from resviz.ui.training import estimate

MOST = 8  # runs of a race
RUN = "run/"  # and its id: a preset that repeats it
TICK = 1.0  # seconds between two looks at whether the visitor's own run is over
_ERROR = "training-error"


@dataclass(frozen=True, slots=True)
class Race:
    """What would be started: networks, data, one configuration for all of them."""

    specs: tuple[ModelSpec, ...]
    dataset: str
    config: TrainConfig
    record: str

    def requests(self) -> list[Request]:
        """One for each run."""
        told: dict[str, Any] = {
            "dataset": self.dataset,
            "config": self.config,
            "record": self.record,
        }
        return [Request(model=f"new/{spec}", threads=MEASURE, **told) for spec in self.specs]


def offer(race: Race) -> None:
    """The button; below it why it cannot be pressed, or how large the networks are and how long they take."""
    count, own = len(race.specs), going_on()
    label = _("Start") if count < 2 else _("Start the race")
    if st.button(
        label, type="primary", disabled=not 0 < count <= MOST or bool(own), width="stretch"
    ):
        _start(race)
    if sentence := st.session_state.pop(_ERROR, None):
        st.error(escaped(sentence))
    if own:
        st.fragment(_wait, run_every=TICK)()
    if count > MOST:
        words = _("{count} networks are chosen, at most {most} run in a race: take some away.")
        st.warning(words.format(count=count, most=MOST))
        return
    _say_size(race.specs)
    if race.specs:
        estimate.show(race.requests())


def session() -> str:
    """Who this visitor is to the queue: one job at a time."""
    return str(st.session_state.setdefault("training-session", uuid.uuid4().hex))


def going_on() -> list[RunInfo]:
    """The visitor's own runs that are not over."""
    own = session()
    return [
        info for info in reader.runs() if info.session == own and info.status in reader.GOING_ON
    ]


def say_whose(own: Sequence[RunInfo]) -> str:
    """Why the visitor can start nothing now."""
    names = ", ".join(
        escaped(run_title(info)) for info in reversed(own)
    )  # in the order of their start
    return _("You are training {names}: wait for the end, or stop it first.").format(names=names)


def shown() -> list[str]:
    """Ids of the runs that are shown, as the address names them."""
    return [name for name in dict.fromkeys((url_state.chosen("runs") or "").split(",")) if name]


def show(ids: Sequence[str]) -> None:
    """Show these runs, and put them into the address."""
    if ids:
        url_state.choose("runs", ",".join(ids))
    else:
        url_state.forget("runs")


def forget(run_id: str) -> None:
    """Take a run that is gone out of the address."""
    show([name for name in shown() if name != run_id])
    if url_state.chosen("preset") == RUN + run_id:
        url_state.forget("preset")


def say_refusal(refusal: ResvizError) -> None:
    """Keep the sentence for the next run of the page, which shows it under the button."""
    st.session_state[_ERROR] = whole(refusal)


def _wait() -> None:
    """Say what the button waits for; once all of it is over, the page runs again."""
    own = going_on()
    if not own:
        st.rerun()
    st.caption(say_whose(own))


def _say_size(specs: Sequence[ModelSpec]) -> None:
    if not specs:
        st.caption(_("Choose a family and a depth."))
        return
    largest = max(specs, key=lambda spec: spec.kernel_weights)
    told = {"layers": largest.depth, "weights": largest.kernel_weights}
    if len(specs) > 1:
        words = _(
            "{count} runs; {layers} layers at most, {weights:,} weights in their convolutions."
        )
        st.caption(words.format(count=len(specs), **told))
    else:
        st.caption(_("{layers} layers, {weights:,} weights in the convolutions.").format(**told))


def _start(race: Race) -> None:
    """Start the race and show it; what is run again stays beside it."""
    models.warm_up()
    told = url_state.chosen("preset") or ""
    before = [info.id for info in reader.runs() if RUN + info.id == told and len(race.specs) < MOST]
    try:
        show([*before, *queue.start(race.requests(), session())])
    except ResvizError as refusal:
        say_refusal(refusal)
    st.rerun()
