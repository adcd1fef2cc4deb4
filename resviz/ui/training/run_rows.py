"""The runs under the curves: a line for each, with its progress and what can be done with it."""

import html
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from resviz.errors import ResvizError
from resviz.training.launch import queue
from resviz.training.runs.reader import GOING_ON, RunInfo, RunReader
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped
from resviz.ui.services import training_data
from resviz.ui.training import start
from resviz.ui.training.estimate import duration
from resviz.ui.training.run_details import details
from resviz.ui.training.snapshot import Watched

_CLOSED = "menus-closed"  # how often all of them were closed
_BAR = (
    '<div role="progressbar" aria-label="{name}" aria-valuemin="0" aria-valuemax="100" '
    'aria-valuenow="{percent:.0f}" aria-valuetext="{state}">'
    '<div class="run-state" style="font-size:0.875rem;padding-bottom:4px">{state}</div>'
    '<div style="height:6px;border-radius:3px;background:rgba(128,128,128,0.25)">'
    '<div style="width:{percent:.1f}%;height:100%;border-radius:3px;background:{colour}"></div>'
    "</div></div>"
)


def run_row(watched: Watched) -> None:
    """Name, progress, and buttons of one run."""
    info = watched.info
    naming, progress, acting = st.columns([1.3, 1.8, 1.6], gap="small", vertical_alignment="center")
    data = escaped(training_data.title(info.dataset))
    naming.markdown(f"**{escaped(watched.name)}** :gray[{data}]")
    progress.html(_bar(watched))
    with acting:
        _buttons(watched)
    if info.message and info.status in ("stopped", "crashed"):
        st.warning(escaped(whole(info.message)))


def buttons_for_all(infos: Sequence[RunInfo]) -> None:
    """What can be done with a whole race: pause or stop it, or go on with it."""
    going_on = [info for info in infos if info.status in GOING_ON]
    waiting = [info for info in infos if info.status in ("stopped", "crashed")]
    with st.container(horizontal=True, gap="small", width="content"):
        if len(going_on) > 1:
            if st.button(_("Pause all"), key="pause-all"):
                _do_to_all(lambda run_id: queue.stop(run_id, "pause"), going_on)
            if st.button(_("Stop all"), key="stop-all"):
                _do_to_all(queue.stop, going_on)
        if not going_on and len(waiting) > 1:
            _resume_all(waiting)


def _resume_all(infos: Sequence[RunInfo]) -> None:
    if st.button(_("Resume all"), key="resume-all", **_allowed(infos[0])):
        try:
            queue.resume_race([info.id for info in infos], start.session())
        except ResvizError as refusal:
            start.keep_refusal(refusal)
        st.rerun()


def _bar(watched: Watched) -> str:
    """How far a run is, in the colour of its family, and said to those who cannot see it."""
    info = watched.info
    share = info.step / info.steps if info.steps else 0.0
    return _BAR.format(
        name=html.escape(watched.name),
        percent=100 * min(share, 1.0),
        state=html.escape(_state(watched)),
        colour=watched.colour,
    )


def _state(watched: Watched) -> str:
    """Where the run is, in one line."""
    info = watched.info
    if info.status == "queued":
        return _("waits, place {place} in the queue").format(place=_place(info))
    if info.status == "running":
        return _running(watched)
    is_paused = info.status == "stopped" and watched.wish == "pause"
    states = {
        "finished": _("finished"),
        "stopped": _("paused") if is_paused else _("stopped"),
        "crashed": _("crashed"),
    }
    state = states[info.status]
    if watched.accuracy is None:
        return state
    train, test = watched.accuracy
    sentence = _("{state} · accuracy {train:.1%} in training, {test:.1%} in the test")
    return sentence.format(state=state, train=train, test=test)


def _place(info: RunInfo) -> int:
    waiting = [other.id for other in queue.queue()]
    return waiting.index(info.id) + 1 if info.id in waiting else 1


def _running(watched: Watched) -> str:
    if watched.wish == "pause":
        return _("pauses after this step …")
    if watched.wish:
        return _("stops after this step …")
    speed, left = watched.throughput.images_per_second, watched.throughput.seconds_left
    if speed is None or left is None:
        return _("starts")
    return _("{speed:,.0f} images/s, {left} left").format(speed=speed, left=duration(left))


def _buttons(watched: Watched) -> None:
    """Pause and stop, or resume; and all that is done with a run more rarely."""
    run, info = watched.run, watched.info
    with st.container(horizontal=True, gap="small"):
        if info.status in GOING_ON:
            is_ending = info.status == "running" and bool(watched.wish)
            _act(_("Pause"), "pause", info, _pause, disabled=is_ending)
            _act(_("Stop"), "stop", info, queue.stop, disabled=is_ending)
            return
        # what was stopped for good does not offer first to go on
        if info.status == "crashed" or (info.status == "stopped" and watched.wish != "stop"):
            _act(_("Resume"), "resume", info, _resume, **_allowed(info))
        label = _("More about {run}").format(run=escaped(watched.name))
        closed = st.session_state.get(_CLOSED, 0)
        # a menu with another key is another one, which is closed
        with st.popover(label, key=f"more-{info.id}-{closed}"):
            _more(run, info)


def _more(run: RunReader, info: RunInfo) -> None:
    """A look inside, the settings, the same once more, and the end of it."""
    if details(run, info):
        st.session_state[_CLOSED] = st.session_state.get(_CLOSED, 0) + 1
        st.rerun()
    if info.status == "stopped" and run.wish == "stop":
        _act(_("Resume after all"), "resume", info, _resume, **_allowed(info))
    if st.checkbox(_("Delete this run and all its weights"), key=f"sure-{info.id}"):
        _act(_("Delete for good"), "delete", info, _delete)


def _pause(run_id: str) -> None:
    queue.stop(run_id, "pause")


def _resume(run_id: str) -> None:
    queue.resume(run_id, start.session())


def _delete(run_id: str) -> None:
    queue.delete(run_id)
    start.forget_run(run_id)


def _allowed(info: RunInfo) -> dict[str, Any]:
    """Whether the visitor may start this run, as options of a button."""
    # a run may join its own race
    others = [own for own in start.going_on() if not info.group or own.group != info.group]
    return {"disabled": bool(others), "help": start.whose(others) if others else None}


def _act(label: str, kind: str, info: RunInfo, act: Callable[[str], None], **more: Any) -> None:
    """A button that does something to a run; what is refused is said on the page."""
    if st.button(label, key=f"{kind}-{info.id}", **more):
        _try(act, info.id)
        st.rerun()


def _do_to_all(act: Callable[[str], None], infos: Sequence[RunInfo]) -> None:
    for info in infos:
        _try(act, info.id)
    st.rerun()


def _try(act: Callable[[str], None], run_id: str) -> None:
    try:
        act(run_id)
    except ResvizError as refusal:
        start.keep_refusal(refusal)
