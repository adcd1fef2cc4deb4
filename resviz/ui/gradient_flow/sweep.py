"""Gradients of several networks over seeds, measured once for the server; visitors can stop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from resviz.progress import Progress
from resviz.ui.base import page
from resviz.ui.base.bounded_cache import BoundedCache
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.services import models as model_service

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from resviz.probes.gradient_flow.norms import Gradients
    from resviz.probes.gradient_flow.over_seeds import Batch, Profile

    Known = dict[tuple[str, int], Gradients]  # model and seed -> what was measured

_measurements: "BoundedCache[Gradients]" = BoundedCache(512)
_STOPPED = "sweep-stopped"
_HEIGHT = 440  # of the charts that a sweep is drawn in
# Streamlit's own button would throw the page away half drawn, without a way to go on.
_ONE_STOP = '<style>[data-testid="stStatusWidget"] button { display: none; }</style>'
Draw = Callable[[Sequence["Profile"], bool], None]  # the bool: nothing more will come


@dataclass(frozen=True, slots=True)
class Sweep:
    """Networks by name, how many seeds of each, and the batch they see."""

    models: tuple[str, ...]
    seeds: int
    batch: "Batch"

    @property
    def jobs(self) -> list[tuple[str, int]]:
        """Model and seed of each measurement.

        The first seed of all models comes first: soon there is something to see.
        """
        return [(model, seed) for seed in range(self.seeds) for model in self.models]


def run(
    sweep: Sweep, place: "DeltaGenerator", chart_place: "DeltaGenerator", draw: Draw
) -> "list[Profile]":
    """Call `draw` with what is known, and again after each seed that had to be waited for.

    `place` holds progress and a button to stop; `chart_place` is grey until `draw` fills it. After
    a click on the button only what is known is drawn. Returns what was drawn last.
    """
    known = _known(sweep)
    missing = [job for job in sweep.jobs if job not in known]
    is_complete = not missing or is_stopped(sweep)
    if known:
        draw(_profiles(sweep, known), is_complete)
    else:
        page.reserved([chart_place], _HEIGHT)
    if not is_complete:
        _measure_missing(sweep, known, missing, place, draw)
    return _profiles(sweep, known)


def is_stopped(sweep: Sweep) -> bool:
    """Whether the visitor stopped just these measurements."""
    return bool(st.session_state.get(_STOPPED) == sweep)


def stopped_note(sweep: Sweep) -> None:
    """How much of a stopped sweep is shown, and the button to go on."""
    text = _("Stopped: {known} of {of} measurements are shown.")
    st.caption(text.format(known=len(_known(sweep)), of=len(sweep.jobs)))
    st.button(_("Go on"), on_click=_go_on)


def _measure_missing(
    sweep: Sweep,
    known: "Known",
    missing: Sequence[tuple[str, int]],
    place: "DeltaGenerator",
    draw: Draw,
) -> None:
    with place.container(), page.progress(_("Measuring")) as update:
        stop = st.empty()
        with stop.container():
            st.html(_ONE_STOP)
            st.button(_("Stop measuring"), on_click=_stop, args=(sweep,))
        for i, (model, seed) in enumerate(missing):
            progress = _part(update, i, len(missing), model)
            known[model, seed] = _measured(model, seed, sweep.batch, progress)
            is_last = i + 1 == len(missing)
            if is_last or missing[i + 1][1] != seed:
                draw(_profiles(sweep, known), is_last)
        stop.empty()


def _profiles(sweep: Sweep, known: "Known") -> "list[Profile]":
    """Networks of which at least one seed is known."""
    from resviz.probes.gradient_flow.over_seeds import Profile

    profiles = []
    for model in sweep.models:
        seeds = [known[model, seed] for seed in range(sweep.seeds) if (model, seed) in known]
        if seeds:
            profiles.append(Profile(model, tuple(seeds)))
    return profiles


def _known(sweep: Sweep) -> "Known":
    """What this server or its disk has measured already."""
    known = {}
    for model, seed in sweep.jobs:
        flow = _looked_up(model, seed, sweep.batch)
        if flow is not None:
            known[model, seed] = flow
    return known


def _looked_up(model: str, seed: int, batch: "Batch") -> "Gradients | None":
    from resviz.probes.gradient_flow import disk_cache

    key = (model, seed, batch)
    if key in _measurements:
        return _measurements.get(key, lambda: disk_cache.measured(model, seed, batch))
    flow = disk_cache.read(disk_cache.place(model, seed, batch))
    return None if flow is None else _measurements.get(key, lambda: flow)


def _measured(model: str, seed: int, batch: "Batch", progress: Progress) -> "Gradients":
    def compute() -> "Gradients":
        from resviz.probes.gradient_flow import disk_cache

        with model_service.computing():
            return disk_cache.measured(model, seed, batch, progress)

    return _measurements.get((model, seed, batch), compute)


def _part(update: Progress, i: int, of: int, model: str) -> Progress:
    """Progress of one of several jobs, in steps of at least a hundredth of it."""
    text = _("{model}, {i} of {of}").format(
        model=escaped(model.removeprefix("new/")), i=i + 1, of=of
    )
    shown = -1.0

    def show_share(share: float, _what: str = "", /) -> None:
        nonlocal shown
        if abs(share - shown) >= 0.01:  # it falls back where float64 has to do it again
            shown = share
            update(min((i + share) / of, 0.999), text)

    show_share(0.0)
    return show_share


def _stop(sweep: Sweep) -> None:
    st.session_state[_STOPPED] = sweep


def _go_on() -> None:
    st.session_state.pop(_STOPPED, None)
