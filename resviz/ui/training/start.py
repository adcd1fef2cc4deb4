"""The button that starts a race, why it cannot be pressed, and which runs are looked at."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from resviz.errors import ResvizError
from resviz.models.spec import ModelSpec
from resviz.training.config import TrainConfig
from resviz.training.launch import queue
from resviz.training.request import MEASURE, Request
from resviz.training.runs import reader
from resviz.training.runs.reader import RunInfo
from resviz.training.schema import FILE
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped
from resviz.ui.services import models
from resviz.ui.services.run_names import run_title
from resviz.ui.training.estimate import cost_estimate

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
        return [
            Request(
                model=f"new/{spec}",
                dataset=self.dataset,
                config=self.config,
                record=self.record,
                threads=MEASURE,
            )
            for spec in self.specs
        ]


def start_button(race: Race) -> None:
    """The button; below it why it cannot be pressed, or how large and how long it is."""
    count, own = len(race.specs), going_on()
    label = _("Start") if count < 2 else _("Start the race")
    is_off = not 0 < count <= MOST or bool(own)
    if st.button(label, type="primary", disabled=is_off, width="stretch"):
        _start(race)
    if sentence := st.session_state.pop(_ERROR, None):
        st.error(escaped(sentence))
    if own:
        st.fragment(_wait, run_every=TICK)()
    if count > MOST:
        sentence = _("{count} networks are chosen, at most {most} run in a race: take some away.")
        st.warning(sentence.format(count=count, most=MOST))
        return
    st.caption(_size(race.specs))
    if race.specs:
        cost_estimate(race.requests())


def session() -> str:
    """Who this visitor is to the queue: one job at a time."""
    return str(st.session_state.setdefault("training-session", uuid.uuid4().hex))


def going_on() -> list[RunInfo]:
    """The visitor's own runs that are not over."""
    own = [info for info in reader.runs() if info.session == session()]
    return [info for info in own if info.status in reader.GOING_ON]


def whose(own: Sequence[RunInfo]) -> str:
    """Why the visitor can start nothing now."""
    # in the order of their start
    names = ", ".join(escaped(run_title(info)) for info in reversed(own))
    return _("You are training {names}: wait for the end, or stop it first.").format(names=names)


def shown_runs() -> list[str]:
    """Ids of the runs that are shown, as the address names them."""
    ids = (url_state.chosen("runs") or "").split(",")
    return [run_id for run_id in dict.fromkeys(ids) if run_id]


def show_runs(ids: Sequence[str]) -> None:
    """Show these runs, and put them into the address."""
    if ids:
        url_state.choose("runs", ",".join(ids))
    else:
        url_state.forget("runs")


def exists(run_id: str) -> bool:
    """Whether there is still a run of that id, damaged or not."""
    return (reader.runs_folder() / run_id / FILE).exists()


def forget_run(run_id: str) -> None:
    """Take a run that is gone out of the address."""
    show_runs([other for other in shown_runs() if other != run_id])
    if url_state.chosen("preset") == RUN + run_id:
        url_state.forget("preset")


def keep_refusal(refusal: ResvizError) -> None:
    """Keep the sentence for the next run of the page, which shows it under the button."""
    st.session_state[_ERROR] = whole(refusal)


def _wait() -> None:
    """Say what the button waits for; once all of it is over, the page runs again."""
    own = going_on()
    if not own:
        st.rerun()
    st.caption(whose(own))


def _size(specs: Sequence[ModelSpec]) -> str:
    if not specs:
        return _("Choose a family and a depth.")
    largest = max(specs, key=lambda spec: spec.kernel_weights)
    if len(specs) == 1:
        sentence = _("{layers} layers, {weights:,} weights in the convolutions.")
    else:
        sentence = _(
            "{count} runs; {layers} layers at most, {weights:,} weights in their convolutions."
        )
    return sentence.format(count=len(specs), layers=largest.depth, weights=largest.kernel_weights)


def _start(race: Race) -> None:
    """Start the race and show it; what is run again stays beside it."""
    models.warm_up()
    preset = url_state.chosen("preset") or ""
    before = [info.id for info in reader.runs() if RUN + info.id == preset]
    if len(race.specs) == MOST:
        before = []
    try:
        show_runs([*before, *queue.start(race.requests(), session())])
    except ResvizError as refusal:
        keep_refusal(refusal)
    st.rerun()
