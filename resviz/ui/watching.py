"""Runs while they train, and after: curves, progress, and what can be done with each."""

import functools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from resviz.errors import ResvizError, TrainingError
from resviz.figures.curves import sketch
from resviz.figures.records import Curve, learning_curves
from resviz.models.spec import ModelSpec
from resviz.training import jobs, records
from resviz.training.pace import pace
from resviz.training.records import Record, RunInfo
from resviz.ui import board, layout, training, view
from resviz.ui.i18n import translate as _
from resviz.ui.layout import escaped

TICK = 1.0  # seconds between two looks
POINTS = 300
QUANTITIES = ("accuracy", "loss")


def watch() -> None:
    """The runs that are shown: live as long as one of them is not over."""
    known = {info.id: info for info in records.runs()}
    chosen = [name for name in training.shown() if name in known]
    if not chosen and known:
        newest = next(iter(known.values()))
        chosen = [info.id for info in known.values() if info.group and info.group == newest.group] or [newest.id]
    if not chosen:
        st.info(_("Nothing trained yet. Start the race: it takes about a minute, and works without a network."))
        return
    live = any(known[name].status in ("queued", "running") for name in chosen)
    quantity = view.pick(
        st.segmented_control,
        _("Show"),
        QUANTITIES,
        "accuracy",
        "curve",
        required=True,
        format_func=lambda name: {"accuracy": _("Accuracy"), "loss": _("Loss")}[name],
        label_visibility="collapsed",
    )
    st.fragment(_look, run_every=TICK if live else None)(chosen, quantity, live)
    _choose_shown(known, chosen)


def _look(ids: list[str], quantity: str, live: bool) -> None:
    """One look at the runs; when the last one is over, the whole page runs once more and the looking ends."""
    jobs.admit()
    try:
        found = [records.read(name) for name in ids]
        infos = [record.info() for record in found]
    except TrainingError:  # one was deleted meanwhile
        training.show([name for name in ids if any(info.id == name for info in records.runs())])
        st.rerun()
    if live:
        board.show(_sketch(found, quantity), "curves")
    else:
        state = tuple((info.id, info.step, info.status) for info in infos)
        st.plotly_chart(_figure(state, quantity, _words(quantity), layout.dark()), alt=_alt(infos))
    st.caption(
        _(
            "Line: training images, the mean over neighbouring steps. Rings: test images after each epoch. Orange is "
            "plain, blue is residual."
        )
    )
    for record, info in zip(found, infos, strict=True):
        _row(record, info)
    if live and all(info.status not in ("queued", "running") for info in infos):
        st.rerun()


@functools.lru_cache(maxsize=32)
def _figure(
    state: tuple[tuple[str, int, str], ...], quantity: str, words: tuple[str, str, str, str], dark: bool
) -> Any:
    """Drawn anew only where a run has made a step."""
    return learning_curves(_curves([records.read(name) for name, _step, _status in state], quantity), words, dark)


def _sketch(found: Sequence[Record], quantity: str) -> str:
    """The drawing of runs that go on, over all epochs that they will have."""
    curves = _curves(found, quantity)
    until = max(int(record.config["config"]["epochs"]) for record in found)
    highest = max((curve.training.max() for curve in curves if len(curve.training)), default=1.0)
    top = 1.0 if quantity == "accuracy" else float(np.ceil(highest))
    return sketch(curves, _words(quantity), until, top, _alt([record.info() for record in found]))


def _curves(found: Sequence[Record], quantity: str) -> list[Curve]:
    specs = [_spec(record) for record in found]
    depths = sorted({spec.depth for spec in specs})
    return [_curve(r, spec, depths.index(spec.depth), quantity) for r, spec in zip(found, specs, strict=True)]


def _alt(infos: Sequence[RunInfo]) -> str:
    return _("Learning curves of {names}").format(names=", ".join(_title(info) for info in infos))


def _words(quantity: str) -> tuple[str, str, str, str]:
    """The titles of the axes, and what the two kinds of marks are."""
    title = {"accuracy": _("share of right answers"), "loss": _("cross-entropy")}[quantity]
    return _("epochs"), title, _("training"), _("test")


def _curve(record: Record, spec: ModelSpec, rank: int, quantity: str) -> Curve:
    scalars, epochs, info = record.scalars(POINTS), record.epochs(), record.info()
    per_epoch = info.steps / max(1, int(record.config["config"]["epochs"]))
    at = (scalars["step"] + 1) / max(per_epoch, 1)
    name = f"{spec.family}-{spec.depth}"
    return Curve(name, spec.family, rank, at, scalars[quantity], epochs["epoch"] + 1.0, epochs[f"test_{quantity}"])


def _spec(record: Record) -> ModelSpec:
    return ModelSpec.parse(record.info().model.removeprefix("new/"))


def _title(info: RunInfo) -> str:
    return info.model.removeprefix("new/")


def _when(info: RunInfo) -> str:
    """Day and minute of the start, by the server's clock."""
    return time.strftime("%d.%m. %H:%M", time.localtime(info.started or info.place))


def _row(record: Record, info: RunInfo) -> None:
    """Name, progress, and buttons of one run."""
    naming, progress, acting = st.columns([1.1, 2.2, 1.3], gap="small", vertical_alignment="center")
    naming.markdown(f"**{escaped(_title(info))}** · {escaped(info.dataset)}")
    share = info.step / info.steps if info.steps else 0.0
    progress.progress(min(share, 1.0), _progress_words(record, info))
    with acting:
        _buttons(record, info)
    if info.message and info.status in ("stopped", "crashed"):
        st.warning(escaped(info.message))


def _progress_words(record: Record, info: RunInfo) -> str:
    if info.status == "queued":
        waiting = [other.id for other in jobs.queue()]
        place = waiting.index(info.id) + 1 if info.id in waiting else 1
        return _("waits, place {place} in the queue").format(place=place)
    if info.status == "running":
        found = pace(record)
        if found.seconds_left is None or found.images_per_second is None:
            return _("starts")
        return _("{speed:,.0f} images/s, {left} left").format(
            speed=found.images_per_second, left=_duration(found.seconds_left)
        )
    epochs = record.epochs()
    words = {"finished": _("finished"), "stopped": _("stopped"), "crashed": _("crashed")}[info.status]
    if not len(epochs["epoch"]):
        return words
    return _("{status}; right on {train:.1%} of the training images, {test:.1%} of the test images").format(
        status=words, train=epochs["train_accuracy"][-1], test=epochs["test_accuracy"][-1]
    )


def _duration(seconds: float) -> str:
    if seconds < 100:
        return _("{count:.0f} s").format(count=seconds)
    return (
        _("{count:.0f} min").format(count=seconds / 60)
        if seconds < 6000
        else _("{count:.1f} h").format(count=seconds / 3600)
    )


def _buttons(record: Record, info: RunInfo) -> None:
    """Stop or resume, look inside, delete after a question."""
    with st.container(horizontal=True, gap="small"):
        if info.status in ("queued", "running"):
            _act(_("Stop"), "stop", info, jobs.stop)
            return
        if info.status in ("stopped", "crashed"):
            _act(_("Resume"), "resume", info, lambda name: jobs.resume(name, training.session()))
        with st.popover(_("More")):
            _more(record, info)


def _more(record: Record, info: RunInfo) -> None:
    from resviz.models import zoo

    moments = zoo.saved(info.id)
    if moments:
        moment = st.select_slider(_("Moment of the training"), moments, moments[-1], key=f"moment-{info.id}")
        if st.button(_("Look inside"), key=f"inside-{info.id}"):
            view.choose("model", f"run/{info.id}" + ("" if moment == "final" else f"?checkpoint={moment}"))
            st.switch_page("pages/overview.py")
    st.caption(escaped(info.id))
    st.json(record.config.get("config", {}), expanded=False)
    if st.checkbox(_("This run with all its weights"), key=f"sure-{info.id}"):
        _act(_("Delete for good"), "delete", info, jobs.delete)


def _act(label: str, kind: str, info: RunInfo, act: "jobs.Act") -> None:
    """A button that does something to a run; what is refused is said on the page."""
    if st.button(label, key=f"{kind}-{info.id}"):
        try:
            act(info.id)
        except ResvizError as refusal:
            st.session_state["training-error"] = str(refusal)
        st.rerun()


def _choose_shown(known: dict[str, RunInfo], chosen: list[str]) -> None:
    """Which runs lie side by side."""
    st.session_state["shown"] = chosen

    def changed() -> None:
        training.show(st.session_state["shown"])

    st.multiselect(
        _("Runs to compare"),
        list(known),
        key="shown",
        on_change=changed,
        format_func=lambda name: f"{_title(known[name])} · {known[name].dataset} · {_when(known[name])}",
        max_selections=training.MOST,
    )
