"""The runs under the curves: a line for each, with its progress and what can be done with it."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from resviz.errors import ResvizError
from resviz.training.launch import queue
from resviz.training.runs.reader import GOING_ON, RunInfo, RunReader
from resviz.training.runs.throughput import throughput
from resviz.ui.base import checkpoint_names, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped
from resviz.ui.services.run_names import network_title, setting_title, setting_value, spec_of
from resviz.ui.training import setup, start
from resviz.ui.training.estimate import duration

_CLOSED = "menus-closed"  # how often all of them were closed


def row(record: RunReader, info: RunInfo, name: str) -> None:
    """Name, progress, and buttons of one run."""
    naming, progress, acting = st.columns([1.5, 2.0, 1.2], gap="small", vertical_alignment="center")
    naming.markdown(f"**{escaped(name)}** :gray[{escaped(setup.dataset_title(info.dataset))}]")
    share = info.step / info.steps if info.steps else 0.0
    progress.progress(min(share, 1.0), _words(record, info))
    with acting:
        _buttons(record, info)
    if info.message and info.status in ("stopped", "crashed"):
        st.warning(escaped(whole(info.message)))


def stop_all(infos: Sequence[RunInfo]) -> None:
    """One button for all runs that go on."""
    if st.button(_("Stop all"), key="stop-all"):
        for info in infos:
            _try(queue.stop, info.id)
        st.rerun()


def _words(record: RunReader, info: RunInfo) -> str:
    """Where the run is, in one line."""
    if info.status == "queued":
        waiting = [other.id for other in queue.queue()]
        place = waiting.index(info.id) + 1 if info.id in waiting else 1
        return _("waits, place {place} in the queue").format(place=place)
    if info.status == "running":
        return _running(record)
    epochs = record.epochs()
    status = "paused" if info.status == "stopped" and record.wish == "pause" else info.status
    words = {
        "finished": _("finished"),
        "stopped": _("stopped"),
        "paused": _("paused"),
        "crashed": _("crashed"),
    }[status]
    if not len(epochs["epoch"]):
        return words
    told = {
        "status": words,
        "train": epochs["train_accuracy"][-1],
        "test": epochs["test_accuracy"][-1],
    }
    return _("{status} · right: {train:.1%} in training, {test:.1%} in the test").format(**told)


def _running(record: RunReader) -> str:
    if wish := record.wish:
        return _("pauses after this step …") if wish == "pause" else _("stops after this step …")
    found = throughput(record)
    if found.seconds_left is None or found.images_per_second is None:
        return _("starts")
    told = {"speed": found.images_per_second, "left": duration(found.seconds_left)}
    return _("{speed:,.0f} images/s, {left} left").format(**told)


def _buttons(record: RunReader, info: RunInfo) -> None:
    """Pause and stop, or resume; and all that is done with a run more rarely."""
    with st.container(horizontal=True, gap="small"):
        if info.status in GOING_ON:
            ending = info.status == "running" and bool(record.wish)
            _act(_("Pause"), "pause", info, lambda name: queue.stop(name, "pause"), disabled=ending)
            _act(_("Stop"), "stop", info, queue.stop, disabled=ending)
            return
        if info.status == "crashed" or (info.status == "stopped" and record.wish != "stop"):
            _act(_("Resume"), "resume", info, _resume, **_allowed())
        closed = st.session_state.get(_CLOSED, 0)
        with st.popover(
            _("More"), key=f"more-{info.id}-{closed}"
        ):  # one with another key is closed
            _more(record, info)


def _resume(name: str) -> None:
    queue.resume(name, start.session())


def _delete(name: str) -> None:
    queue.delete(name)
    start.forget(name)


def _more(record: RunReader, info: RunInfo) -> None:
    """A look inside, the settings, the same once more, and the end of it."""
    moment = _moment(info)
    with st.container(horizontal=True, gap="small"):
        if moment and st.button(_("Look inside"), key=f"inside-{info.id}"):
            url_state.choose("model", checkpoint_names.at(f"run/{info.id}", moment))
            st.switch_page("pages/overview.py")
        if st.button(
            _("Run again with …"),
            key=f"again-{info.id}",
            help=_("Takes over its choices: change one, start."),
        ):
            setup.begin_with(start.RUN + info.id)
            st.session_state[_CLOSED] = st.session_state.get(_CLOSED, 0) + 1
            st.rerun()
    st.markdown(_table(record, info))
    if info.status == "stopped" and record.wish == "stop":
        _act(_("Resume after all"), "resume", info, _resume, **_allowed())
    if st.checkbox(_("Delete this run and all its weights"), key=f"sure-{info.id}"):
        _act(_("Delete for good"), "delete", info, _delete)


def _moment(info: RunInfo) -> str:
    """Which of its checkpoints to look into; empty where there is none."""
    kept = checkpoint_names.saved(f"run/{info.id}")
    if len(kept) < 2:
        return "".join(kept)
    moment: str = st.select_slider(
        _("Moment of its training"),
        kept,
        kept[-1],
        key=f"moment-{info.id}",
        format_func=checkpoint_names.title,
    )
    return moment


def _table(record: RunReader, info: RunInfo) -> str:
    """How the run was made, as rows of a table."""
    told = record.config
    config: dict[str, Any] = told.get("config", {})
    asked = told.get("request", {})
    spec = spec_of(info)
    rows = [
        (_("network"), network_title(spec)),
        (_("weights in the convolutions"), f"{spec.kernel_weights:,}"),
        (_("data"), setup.dataset_title(info.dataset)),
        *((setting_title(name), setting_value(name, value)) for name, value in _settings(config)),
        (_("recorded"), asked.get("record")),
        (_("device"), told.get("device")),
        (_("threads"), told.get("threads")),
        (_("id"), info.id),
    ]
    head, *lines = [
        f"| {name} | {escaped(str(value))} |" for name, value in rows if value not in (None, "")
    ]
    return "\n".join([head, "|---|---|", *lines])


def _settings(config: dict[str, Any]) -> list[tuple[str, object]]:
    """The settings that anybody may have changed."""
    names = (
        "epochs",
        "batch_size",
        "lr",
        "schedule",
        "augmentation",
        "momentum",
        "weight_decay",
        "label_smoothing",
    )
    return [
        (name, config[name]) for name in (*names, "side", "precision", "seed") if name in config
    ]


def _allowed() -> dict[str, Any]:
    """Whether the visitor may start anything, as options of a button."""
    own = start.going_on()
    return {"disabled": bool(own), "help": start.say_whose(own) if own else None}


def _act(label: str, kind: str, info: RunInfo, act: Callable[[str], None], **more: Any) -> None:
    """A button that does something to a run; what is refused is said on the page."""
    if st.button(label, key=f"{kind}-{info.id}", **more):
        _try(act, info.id)
        st.rerun()


def _try(act: Callable[[str], None], run: str) -> None:
    try:
        act(run)
    except ResvizError as refusal:
        start.say_refusal(refusal)
