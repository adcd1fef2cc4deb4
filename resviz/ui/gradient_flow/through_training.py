"""The part through training: recorded runs as depth by step, and the profile at one step."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from resviz.figures import families
from resviz.figures.gradient_flow import depth_by_step, profile
from resviz.figures.log_axis import common_range
from resviz.models.spec import FAMILIES
from resviz.tables import Table
from resviz.training.runs.reader import RunInfo
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.numbers import times
from resviz.ui.gradient_flow.recorded_runs import QUANTITIES, Recorded, known_runs, recorded, twins
from resviz.ui.services.run_names import run_title, spec_of
from resviz.ui.widgets import depth_by_step as pictures
from resviz.ui.widgets.chart import chart
from resviz.ui.widgets.family_pills import tag_colours

BESIDE = 2  # runs on one scale
TICK = 0.5  # seconds between two steps of the film
FRAMES = 60  # of a film, however many steps there are
_STEP = "film-step"


def through_training_section() -> None:
    """Up to two runs side by side, a step slider and a film."""
    known = known_runs()
    if not known:
        _way_to_training(_("No run has been recorded yet."))
        return
    choosing, measuring, play = page.wide("films").columns(
        [1.6, 1, 0.3], gap="medium", vertical_alignment="bottom"
    )
    with measuring:
        quantity = url_state.pick(
            st.selectbox,
            _("What is measured"),
            QUANTITIES,
            "weight_gradient",
            "recorded",
            format_func=_quantity_title,
        )
    with choosing:
        chosen = _run_picker(known)
    runs = [run for run in (recorded(known[name], quantity) for name in chosen) if len(run.steps)]
    if not runs:
        _way_to_training(_("The chosen runs have not recorded this: choose another quantity."))
        return
    with play:
        playing = url_state.switch(_("Play"), "play")
    st.fragment(_film, run_every=TICK if playing else None)(runs, quantity, playing)
    table = _table(runs)
    name = f"through-training-{quantity}"
    page.table_download(_("Download the numbers"), name, table.columns, table.rows)


def _way_to_training(reason: str) -> None:
    """What is missing, and the way to the page that makes it."""
    st.info(reason)
    if st.button(_("Train networks and record everything"), type="primary"):
        url_state.choose("record", "full")
        st.switch_page("pages/training.py")


def _run_picker(known: dict[str, RunInfo]) -> list[str]:
    """The runs of the address, else a plain and a residual one that differ in nothing else."""
    asked = [name for name in (url_state.chosen("films") or "").split(",") if name in known]
    shown = (asked or twins(known) or list(known)[:1])[:BESIDE]
    st.session_state["films"] = shown
    colours = tag_colours("films", [spec_of(known[name]).family for name in shown])
    st.html(f"<style>{colours}</style>")
    chosen: list[str] = st.multiselect(
        _("Recorded runs, at most two"),
        list(known),
        key="films",
        max_selections=BESIDE,
        format_func=lambda name: f"{run_title(known[name])} · {known[name].dataset}",
        on_change=lambda: url_state.choose("films", ",".join(st.session_state["films"])),
    )
    return chosen


def _film(runs: Sequence[Recorded], quantity: str, playing: bool) -> None:
    """The pictures at one step; while the film plays, the next one."""
    step = _step_slider(runs, playing)
    span = common_range([run.values for run in runs])
    drawn = [depth_by_step.Film(run.title, run.steps, run.values, run.layers) for run in runs]
    st.markdown("  \n".join(finding(run, step, f"**{page.escaped(run.title)}**") for run in runs))
    pictures.show(depth_by_step.films(drawn, span, step, _film_labels(quantity)), "films", _go_to)
    st.caption(_cursor_hint(len(runs)))
    labels = profile.Labels(_quantity_title(quantity), _("layer or block, from the input"))
    chart(
        profile.profile([_line(run, step) for run in runs], labels, page.dark()),
        " ".join(finding(run, step, run.title) for run in runs),
        how_to_read=_how_to_read(),
        key="film-profile",
    )


def _step_slider(runs: Sequence[Recorded], playing: bool) -> int:
    """The step that is drawn; while the film plays, it moves on and begins again at the end."""
    steps = [int(step) for step in max((run.steps for run in runs), key=len)]
    now = st.session_state.get(_STEP, steps[0])
    if playing:
        now = _next_frame(steps, now)
    st.session_state[_STEP] = min(steps, key=lambda step: abs(step - now))
    if len(steps) < 2:
        return steps[0]
    return int(st.select_slider(_("Step"), steps, key=_STEP))


def _next_frame(steps: Sequence[int], now: int) -> int:
    stride = max(1, len(steps) // FRAMES)
    later = [step for step in steps if step > now]
    return later[stride - 1] if len(later) >= stride else steps[0]


def _go_to(step: int) -> None:
    """Draw the step that was clicked; a film that plays goes on from there."""
    st.session_state[_STEP] = step


def finding(run: Recorded, step: int, name: str) -> str:
    """First against last, and where the peak is, at the step nearest to the one chosen."""
    i = run.nearest(step)
    values = run.values[i]
    at, count = run.steps[i], len(run.layers)
    peak = int(depth_by_step.peaks(values[None])[0])
    if peak < 0:
        return _("{run} at step {step}: no finite number.").format(run=name, step=at)
    silent = int((values == 0).sum())
    ends = run.ends(values)
    if ends is None:
        return _("{run} at step {step}: {silent} of {count} layers are exactly zero.").format(
            run=name, step=at, silent=silent, count=count
        )
    sentence = _(
        "{run} at step {step}: the first is {times} the last; the largest is {value:.3g}, at "
        "{layer}."
    ).format(
        run=name,
        step=at,
        times=times(ends[0] / ends[1]),
        value=values[peak],
        layer=page.escaped(run.layers[peak]),
    )
    if not silent:
        return sentence
    rest = _("{silent} of {count} layers are exactly zero and are left out.")
    return f"{sentence} {rest.format(silent=silent, count=count)}"


def _line(run: Recorded, step: int) -> profile.Line:
    return profile.Line(
        title=run.title,
        style=families.style(spec_of(run.info).family, tuple(FAMILIES)),
        depth=np.arange(1, len(run.layers) + 1, dtype=float),
        values=run.values[run.nearest(step)][None].astype(float),
        names=run.layers,
    )


def _film_labels(quantity: str) -> depth_by_step.Labels:
    return depth_by_step.Labels(
        step=_("step"),
        layer=_("layer, from the input"),
        quantity=_quantity_title(quantity),
        reading=_("{layer} at step {step}: {value}"),
        no_number=_("no finite number"),
    )


def _cursor_hint(count: int) -> str:
    if count > 1:
        return _(
            "Move over one picture to read the same place in both; a click draws that step below."
        )
    return _("Move over the picture to read a place; a click draws that step below.")


def _how_to_read() -> str:
    return _(
        "In the pictures above, a column is a step and a row a layer, the input at the bottom; "
        "colours are powers of ten, on one scale for both. The dotted line follows the layer where "
        "the value is largest. The classifier is left out."
    )


def _quantity_title(quantity: str) -> str:
    return {
        "weight_gradient": _("‖∂L/∂W‖₂ of the layer"),
        "block_gradient": _("‖∂L/∂x‖₂ at the block's output"),
        "update_ratio": _("‖update‖₂ / ‖W‖₂ of the layer"),
        "activation_deviation": _("standard deviation of the block's output"),
    }[quantity]


def _table(runs: Sequence[Recorded]) -> Table:
    rows = []
    for run in runs:
        for step, values in zip(run.steps.tolist(), run.values.tolist(), strict=True):
            places = zip(run.layers, values, strict=True)
            rows += [(run.info.id, step, layer, value) for layer, value in places]
    return Table(("run", "step", "layer", "value"), tuple(rows))
