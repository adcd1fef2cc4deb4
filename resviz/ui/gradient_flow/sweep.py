"""Gradients of several networks over seeds: each measured once for the server, on disk too; the work can be stopped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from resviz.progress import Progress
from resviz.ui.base import page
from resviz.ui.base.bounded_cache import BoundedCache
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.services import models as cache

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from resviz.probes.gradient_flow.norms import Gradients
    from resviz.probes.gradient_flow.over_seeds import Batch, Profile

_shelf: "BoundedCache[Gradients]" = BoundedCache(512)
_STOPPED = "sweep-stopped"
Draw = Callable[[Sequence["Profile"]], None]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Networks by name, how many seeds of each, and the batch they see."""

    models: tuple[str, ...]
    seeds: int
    batch: "Batch"

    @property
    def jobs(self) -> list[tuple[str, int]]:
        """Model and seed of each measurement, the first seed of all models first: soon there is something to see."""
        return [(model, seed) for seed in range(self.seeds) for model in self.models]


def run(sweep: Sweep, place: "DeltaGenerator", draw: Draw) -> None:
    """Call `draw` with what is known, and again after each seed that had to be waited for.

    `place` holds progress and a button to stop; after a click on it only what is known is drawn.
    """
    known = {job: found for job in sweep.jobs if (found := _known(*job, sweep.batch)) is not None}
    missing = [job for job in sweep.jobs if job not in known]
    draw(_profiles(sweep, known))
    if not missing:
        return
    if st.session_state.get(_STOPPED) == sweep:
        _say_stopped(place, len(known), len(sweep.jobs))
        return
    with place.container(), page.progress(_("Measuring")) as update:
        stop = st.empty()
        stop.button(_("Stop"), on_click=_stop, args=(sweep,))
        for i, (model, seed) in enumerate(missing):
            known[model, seed] = _measured(
                model, seed, sweep.batch, _part(update, i, len(missing), model)
            )
            if i + 1 == len(missing) or missing[i + 1][1] != seed:
                draw(_profiles(sweep, known))
        stop.empty()


def _profiles(sweep: Sweep, known: "dict[tuple[str, int], Gradients]") -> "list[Profile]":
    """Networks of which at least one seed is known."""
    from resviz.probes.gradient_flow.over_seeds import Profile

    by_model = {
        model: [known[model, s] for s in range(sweep.seeds) if (model, s) in known]
        for model in sweep.models
    }
    return [Profile(model, tuple(found)) for model, found in by_model.items() if found]


def _known(model: str, seed: int, batch: "Batch") -> "Gradients | None":
    from resviz.probes.gradient_flow import disk_cache

    key = (model, seed, batch)
    if key in _shelf:
        return _shelf.get(key, lambda: disk_cache.measured(model, seed, batch))
    found = disk_cache.read(disk_cache.place(model, seed, batch))
    return found if found is None else _shelf.get(key, lambda: found)


def _measured(model: str, seed: int, batch: "Batch", progress: Progress) -> "Gradients":
    def compute() -> "Gradients":
        from resviz.probes.gradient_flow import disk_cache

        with cache.computing():
            return disk_cache.measured(model, seed, batch, progress)

    return _shelf.get((model, seed, batch), compute)


def _part(update: Callable[..., None], i: int, of: int, model: str) -> Progress:
    """Progress of one of several jobs, told in steps of at least a hundredth of it."""
    words = _("{model}, {i} of {of}").format(
        model=escaped(model.removeprefix("new/")), i=i + 1, of=of
    )
    told = -1.0

    def tell(share: float, what: str = "") -> None:
        nonlocal told
        if abs(share - told) >= 0.01:  # it goes back where float64 has to do it again
            told = share
            update(min((i + share) / of, 0.999), words)

    tell(0.0)
    return tell


def _stop(sweep: Sweep) -> None:
    st.session_state[_STOPPED] = sweep


def _go_on() -> None:
    st.session_state.pop(_STOPPED, None)


def _say_stopped(place: "DeltaGenerator", known: int, of: int) -> None:
    with place.container():
        st.caption(_("Stopped: {known} of {of} measurements are shown.").format(known=known, of=of))
        st.button(_("Go on"), on_click=_go_on)
