"""Gradient norms through training: recorded runs as depth by step on one scale, and the profile at one step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from resviz.figures import families
from resviz.figures.gradient_flow import depth_by_step, profile
from resviz.figures.gradient_flow.profile import Line
from resviz.figures.log_axis import common_range
from resviz.models.spec import FAMILIES, ModelSpec
from resviz.training.runs import reader
from resviz.training.runs.reader import RunInfo
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.numbers import times
from resviz.ui.services.run_names import run_title, spec_of
from resviz.ui.widgets import depth_by_step as pictures

COLUMNS = 300  # steps drawn; a screen has no more room
BESIDE = 2  # runs on one scale
CLASSIFIER = "fc"  # in all our networks
TICK = 0.5  # seconds between two steps of the film
QUANTITIES = ("weight_gradient", "block_gradient", "update_ratio", "activation_deviation")


@dataclass(frozen=True, slots=True)
class Film:
    """What one run recorded of a quantity: values (steps, layers)."""

    info: RunInfo
    steps: np.ndarray
    values: np.ndarray
    layers: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{run_title(self.info)} · {self.info.dataset}"


def show() -> None:
    """Up to two runs side by side, a step slider and a film."""
    known = {info.id: info for info in reader.runs() if info.step > 1}
    choosing, measuring = page.wide("films").columns(
        [1.6, 1], gap="medium", vertical_alignment="bottom"
    )
    with measuring:
        quantity = url_state.pick(
            st.selectbox,
            _("What is measured"),
            QUANTITIES,
            "weight_gradient",
            "recorded",
            format_func=_title,
        )
    with choosing:
        chosen = _choose(known)
    films = [film for film in (_film(known[name], quantity) for name in chosen) if len(film.steps)]
    if not films:
        st.info(
            _(
                "No run has recorded this yet: train networks on the page Training, with the record set to full."
            )
        )
        return
    playing = url_state.switch(_("Play"), "play")
    st.fragment(_play, run_every=TICK if playing else None)(films, quantity, playing)
    _download(films, quantity)


def _choose(known: dict[str, RunInfo]) -> list[str]:
    """The runs of the address, else a plain and a residual one that differ in nothing else."""
    told = [name for name in (url_state.chosen("films") or "").split(",") if name in known]
    st.session_state["films"] = (told or _twins(known) or list(known)[:1])[:BESIDE]
    chosen: list[str] = st.multiselect(
        _("Recorded runs, at most two"),
        list(known),
        key="films",
        max_selections=BESIDE,
        format_func=lambda name: f"{run_title(known[name])} · {known[name].dataset}",
        on_change=lambda: url_state.choose("films", ",".join(st.session_state["films"])),
    )
    return chosen


def _twins(known: dict[str, RunInfo]) -> list[str]:
    """The newest two recorded runs, plain and residual, of one data set, race, depth and everything else."""
    seen: dict[tuple[str, str, ModelSpec], dict[str, str]] = {}
    for name, info in known.items():  # the newest first
        spec = spec_of(info)
        alike = seen.setdefault((info.group, info.dataset, replace(spec, family="residual")), {})
        if spec.family in ("plain", "residual"):
            alike.setdefault(spec.family, name)
        if len(alike) == BESIDE:
            return [alike["plain"], alike["residual"]]
    return []


def _film(info: RunInfo, quantity: str) -> Film:
    """Without the classifier, whose gradient stands apart: as in the first part, convolutions are compared."""
    record = reader.read(info.id)
    steps, values = record.norms(quantity, COLUMNS)
    layers = record.layers(quantity)
    kept = [i for i, name in enumerate(layers) if name != CLASSIFIER]
    return Film(info, steps, values[:, kept], tuple(layers[i] for i in kept))


def _play(shown: Sequence[Film], quantity: str, playing: bool) -> None:
    """The pictures at one step; while the film plays, the next one."""
    steps = [int(step) for step in max((film.steps for film in shown), key=len)]
    now = st.session_state.get("film-step", steps[0])
    if playing:
        later = [step for step in steps if step > now]
        now = later[max(0, len(steps) // 60 - 1)] if len(later) > len(steps) // 60 else steps[0]
    st.session_state["film-step"] = min(steps, key=lambda step: abs(step - now))
    at = int(st.select_slider(_("Step"), steps, key="film-step")) if len(steps) > 1 else steps[0]
    span = common_range([film.values for film in shown])
    drawn = [depth_by_step.Film(film.title, film.steps, film.values, film.layers) for film in shown]
    pictures.show(depth_by_step.films(drawn, span, at, _words(quantity)), "films", _go_to)
    how = _(
        "A column is a step, a row a layer, the input at the bottom; colours are powers of ten; the classifier is left "
        "out. The dotted line follows the layer where the norm peaks."
    )
    st.caption(f"{how} {_how_to_read(len(shown))}")
    lines = [_line(film, at) for film in shown]
    figure = profile.profile(
        lines, _title(quantity), _("layer or block, from the input"), page.dark()
    )
    alt = " ".join(_sentence(film, at) for film in shown)
    st.plotly_chart(figure, config={"displayModeBar": False}, alt=alt, key="film-profile")
    st.markdown("  \n".join(_sentence(film, at) for film in shown))


def _how_to_read(count: int) -> str:
    if count > 1:
        return _(
            "Both have one scale. Move over one picture to read the same place in both; a click draws that step below."
        )
    return _("Move over the picture to read a place; a click draws that step below.")


def _words(quantity: str) -> depth_by_step.Words:
    return depth_by_step.Words(
        _("step"),
        _("layer, from the input"),
        _title(quantity),
        _("{layer} at step {step}: {value}"),
        _("no finite number"),
    )


def _go_to(step: int) -> None:
    """A step that was clicked becomes the one that is drawn; a film that plays goes on from there."""
    st.session_state["film-step"] = step


def _nearest(film: Film, step: int) -> int:
    return int(np.abs(film.steps - step).argmin())


def _line(film: Film, step: int) -> Line:
    values = film.values[_nearest(film, step)][None].astype(float)
    places = np.arange(1, len(film.layers) + 1, dtype=float)
    return Line(
        film.title,
        families.style(spec_of(film.info).family, tuple(FAMILIES)),
        places,
        values,
        film.layers,
    )


def _sentence(film: Film, step: int) -> str:
    """First against last, and where the peak is, at the step nearest to the one chosen."""
    i = _nearest(film, step)
    values = film.values[i]
    peak = int(depth_by_step.peaks(film.values[i : i + 1])[0])
    run, at = f"**{page.escaped(film.title)}**", film.steps[i]
    if peak < 0 or not values[-1]:
        return _("{run} at step {step}: no finite number.").format(run=run, step=at)
    return _(
        "{run} at step {step}: the first is {times} the last; the largest is {value:.3g}, at {layer}."
    ).format(
        run=run,
        step=at,
        times=times(float(values[0]) / float(values[-1])),
        layer=page.escaped(film.layers[peak]),
        value=values[peak],
    )


def _title(quantity: str) -> str:
    return {
        "weight_gradient": _("‖∂L/∂W‖₂ of the layer"),
        "block_gradient": _("‖∂L/∂x‖₂ at the block's output"),
        "update_ratio": _("‖update‖₂ / ‖W‖₂ of the layer"),
        "activation_deviation": _("standard deviation of the block's output"),
    }[quantity]


def _download(films: Sequence[Film], quantity: str) -> None:
    rows = [
        (film.info.id, int(step), layer, float(value))
        for film in films
        for step, values in zip(film.steps, film.values, strict=True)
        for layer, value in zip(film.layers, values, strict=True)
    ]
    page.table_download(
        _("Download the numbers"),
        f"through-training-{quantity}",
        ("run", "step", "layer", "value"),
        rows,
    )
