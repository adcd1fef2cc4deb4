"""Runs while they train, and after: curves that grow, a line for each run, and which of them lie side by side."""

import functools
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import streamlit as st

from resviz.errors import TrainingError
from resviz.figures import families
from resviz.figures.training.learning_curves import Curve, Frame, beyond, frame, learning_curves
from resviz.figures.training.live_curves import sketch
from resviz.models.spec import FAMILIES
from resviz.training.launch import queue
from resviz.training.runs import reader
from resviz.training.runs.reader import RunInfo, RunReader
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.services import run_names
from resviz.ui.services.network_names import family_title
from resviz.ui.training import setup, start
from resviz.ui.training.run_rows import row, stop_all
from resviz.ui.widgets import clickable

TICK = 1.0  # seconds between two looks
POINTS = 300
QUANTITIES = ("accuracy", "loss")


def watch() -> None:
    """The runs that are shown: live as long as one of them is not over."""
    known = {info.id: info for info in reader.runs()}
    chosen = [name for name in start.shown() if name in known]
    if not chosen and known:
        newest = next(iter(known.values()))
        race = [info.id for info in known.values() if info.group and info.group == newest.group]
        chosen = race[::-1] or [newest.id]  # in the order of their start
    if not chosen:
        _invite()
        return
    going_on = [known[name] for name in chosen if known[name].status in reader.GOING_ON]
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        quantity = url_state.pick(
            st.segmented_control,
            _("Show"),
            QUANTITIES,
            "accuracy",
            "curve",
            required=True,
            format_func=lambda name: {"accuracy": _("Accuracy"), "loss": _("Loss")}[name],
            label_visibility="collapsed",
        )
        if len(going_on) > 1:
            stop_all(going_on)
    st.fragment(_look, run_every=TICK if going_on else None)(chosen, quantity, bool(going_on))
    _choose_shown(known, chosen)


def _invite() -> None:
    """What there will be to see, and how to begin."""
    st.info(
        _(
            "Nothing trained yet. Start on the left: unless you change the choices, a plain and a residual network "
            "learn to read digits, and their curves grow here. It takes about a minute and needs no internet."
        )
    )


def _look(ids: list[str], quantity: str, live: bool) -> None:
    """One look at the runs; when the last one is over, the whole page runs once more and the looking ends."""
    queue.admit()
    try:
        found = [reader.read(name) for name in ids]
        infos = [record.info() for record in found]
        names = [
            _name(info, words)
            for info, (_depth, words) in zip(infos, run_names.variants(found, infos), strict=True)
        ]
    except TrainingError:  # one was deleted meanwhile
        start.show([name for name in ids if any(info.id == name for info in reader.runs())])
        st.rerun()
    curves = _curves(found, infos, quantity)
    drawn_in = _frame(found, curves, quantity)
    if live:
        clickable.show(sketch(curves, drawn_in, page.dark(), _alt(names)), "curves")
    else:
        state = tuple((info.id, info.step, info.status) for info in infos)
        chart = _figure(state, quantity, (_("training"), _("test")), page.dark())
        st.plotly_chart(chart, theme=None, config={"displayModeBar": False}, alt=_alt(names))
    _say_how_to_read(curves, drawn_in)
    for record, info, name in zip(found, infos, names, strict=True):
        row(record, info, name)
    if live and all(info.status not in reader.GOING_ON for info in infos):
        st.rerun()


@functools.lru_cache(maxsize=32)
def _figure(
    state: tuple[tuple[str, int, str], ...], quantity: str, words: tuple[str, str], dark: bool
) -> Any:
    """Drawn anew only where a run has made a step."""
    found = [reader.read(name) for name, _step, _status in state]
    curves = _curves(found, [record.info() for record in found], quantity)
    return learning_curves(curves, _frame(found, curves, quantity), words, dark)


def _frame(found: Sequence[RunReader], curves: Sequence[Curve], quantity: str) -> Frame:
    """Over all epochs that the runs will have; over those they had, where they ended long before."""
    until = max((int(record.config["config"]["epochs"]) for record in found), default=10)
    reached = max((float(curve.at[-1]) for curve in curves if len(curve.at)), default=0.0)
    if 0 < reached < until / 4 and all(record.status not in reader.GOING_ON for record in found):
        until = math.ceil(reached)
    title = {"accuracy": _("share of right answers"), "loss": _("cross-entropy")}[quantity]
    return frame(curves, until, quantity == "accuracy", _("epochs"), title)


def _curves(found: Sequence[RunReader], infos: Sequence[RunInfo], quantity: str) -> list[Curve]:
    variants = run_names.variants(found, infos)
    ranks = sorted(set(variants))
    drawn = zip(found, infos, variants, strict=True)
    return [
        _curve(record, info, words, ranks.index((depth, words)), quantity)
        for record, info, (depth, words) in drawn
    ]


def _curve(record: RunReader, info: RunInfo, words: str, rank: int, quantity: str) -> Curve:
    scalars, epochs, family = (
        record.scalars(POINTS),
        record.epochs(),
        run_names.spec_of(info).family,
    )
    per_epoch = info.steps / max(1, int(record.config["config"]["epochs"]))
    at = (scalars["step"] + 1) / max(per_epoch, 1)
    colour = families.style(family, tuple(FAMILIES)).colour
    return Curve(
        _name(info, words),
        colour,
        rank,
        at,
        scalars[quantity],
        epochs["epoch"] + 1.0,
        epochs[f"test_{quantity}"],
    )


def _name(info: RunInfo, words: str) -> str:
    spec = run_names.spec_of(info)
    return ", ".join(filter(None, [f"{family_title(spec.family)}-{spec.depth}", words]))


def _alt(names: Sequence[str]) -> str:
    return _("Learning curves of {names}").format(names=", ".join(names))


def _say_how_to_read(curves: Sequence[Curve], drawn_in: Frame) -> None:
    words = [
        _(
            "Line: training images, the mean over neighbouring steps. Rings, joined by dots: test images, each epoch."
        ),
        _("Orange is plain, blue is residual."),
    ]
    if len({curve.rank for curve in curves}) > 1:
        words.append(_("Dashes tell networks or settings apart."))
    if any(beyond(curve.test, drawn_in.top).any() for curve in curves):
        words.append(
            _("A triangle at the upper edge lies beyond the scale; point at it for its value.")
        )
    st.caption(" ".join(words))


def _choose_shown(known: dict[str, RunInfo], chosen: list[str]) -> None:
    """Which runs lie side by side."""
    st.session_state["shown"] = chosen

    def title(info: RunInfo) -> str:
        return f"{run_names.run_title(info)} · {setup.dataset_title(info.dataset)} · {run_names.when(info)}"

    options = {name: title(info) for name, info in known.items()}
    counts = Counter(options.values())
    unique = {
        name: f"{words} · {name}" if counts[words] > 1 else words for name, words in options.items()
    }

    def changed() -> None:
        if known.keys() >= set(
            st.session_state["shown"]
        ):  # a title that has changed meanwhile comes back as it is
            start.show(st.session_state["shown"])

    st.multiselect(
        _("Runs to compare"),
        list(known),
        key="shown",
        on_change=changed,
        format_func=unique.__getitem__,  # the browser knows them by their titles
        max_selections=start.MOST,
    )
