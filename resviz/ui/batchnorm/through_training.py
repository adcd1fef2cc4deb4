"""What BatchNorm's layers stored at each step of a recorded run, and how their running averages began."""

import numpy as np
import streamlit as st

from resviz.errors import TrainingError
from resviz.figures.batchnorm import through_training
from resviz.figures.batchnorm.through_training import Beginning, Course
from resviz.probes.batchnorm.running_average import STARTS, brought, left_of_start
from resviz.training.runs import reader
from resviz.training.runs.reader import RunInfo, RunReader
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import channels, runs

KINDS = {"bn_mean": "signed", "bn_variance": "powers", "bn_gamma": "ordered", "bn_beta": "signed"}
COLUMNS = 300  # steps drawn; a screen has no more room
FIRST = 10  # steps that are looked at one by one


def show() -> None:
    """All layers over the steps, the chosen one's three quantities, and its first ten steps."""
    known = _recorded()
    if not known:
        st.info(
            _(
                "No run has recorded BatchNorm yet: train networks on the page Training, with the record set to full."
            )
        )
        runs.link_to_recording()
        return
    choosing, measuring = page.wide("stored").columns(
        [1.6, 1.2], gap="medium", vertical_alignment="bottom"
    )
    with choosing:
        record = reader.read(runs.pick(known))
    with measuring:
        kinds = [
            kind for kind in KINDS if record.layers(kind)
        ]  # runs of an earlier version have no beta
        quantity = url_state.pick(
            st.segmented_control,
            _("Stored"),
            kinds,
            "bn_mean",
            "stored",
            required=True,
            format_func=_title,
        )
    over_depth, one = page.wide("through").columns([1.25, 1], gap="large")
    layers = record.layers(quantity)
    with one:
        layer = channels.pick_layer(layers)
        _show_layer(record, layers.index(layer), layer)
    with over_depth:
        _show_all(record, quantity, layers.index(layer))
    _show_first(record, layers.index(layer), layer)
    runs.link_to_race()


def _recorded() -> dict[str, RunInfo]:
    """The runs that recorded BatchNorm, the youngest first."""
    found = {}
    for info in reader.runs():
        try:
            if info.step > 1 and reader.read(info.id).layers("bn_mean"):
                found[info.id] = info
        except TrainingError:  # deleted meanwhile
            continue
    return found


def _title(quantity: str) -> str:
    return {
        "bn_mean": _("running mean"),
        "bn_variance": _("running variance"),
        "bn_gamma": _("γ, scale"),
        "bn_beta": _("β, shift"),
    }[quantity]


def _show_all(record: RunReader, quantity: str, chosen: int) -> None:
    steps, values = record.norms(quantity, COLUMNS)
    layers = record.layers(quantity)
    titles = (_("step"), _("layer, from the input"), _title(quantity))
    st.plotly_chart(
        through_training.heatmap(
            steps, values, layers, chosen, KINDS[quantity], titles, page.dark()
        ),
        config={"displayModeBar": False},
        alt=_("{quantity} of {count} layers at each step").format(
            quantity=_title(quantity), count=len(layers)
        ),
    )
    signed = _(
        "White is zero, red above it, blue below; 95% of the numbers lie between the ends of the colours."
    )
    colours = {
        "bn_mean": signed,
        "bn_beta": signed,
        "bn_variance": _("Yellow is large; the colours are logarithmic."),
        "bn_gamma": _("Yellow is large; most layers start at 1."),
    }[quantity]
    st.caption(f"{_explained(steps)} {colours}")
    rows = [
        (int(step), layer, float(value))
        for step, row in zip(steps, values, strict=True)
        for layer, value in zip(layers, row, strict=True)
    ]
    page.table_download(
        _("Download the numbers"), f"{record.id}-{quantity}", ("step", "layer", quantity), rows
    )


def _explained(steps: np.ndarray) -> str:
    """What column, row and frame are; long runs are recorded, or drawn, at one step out of several."""
    every = round(float(np.median(np.diff(steps)))) if len(steps) > 1 else 1
    if every > 1:
        return _(
            "A column is one step out of {every}, a row a layer: the mean over its channels. "
            "The frame is the chosen layer."
        ).format(every=every)
    return _(
        "A column is a step, a row a layer: the mean over its channels. The frame is the chosen layer."
    )


def _show_layer(record: RunReader, at: int, layer: str) -> None:
    courses = []
    for quantity, title in zip(KINDS, (_("mean"), _("variance"), "γ", "β"), strict=True):
        if not record.layers(quantity):
            continue
        steps, means = record.norms(quantity, COLUMNS)
        _steps, deviations = record.norms(f"{quantity}_deviation", COLUMNS)
        courses.append(Course(title, means[:, at], deviations[:, at]))
    st.plotly_chart(
        through_training.courses(steps, courses, _("step"), page.dark()),
        config={"displayModeBar": False},
        alt=_("Running mean, running variance, scale and shift of {layer} at each step").format(
            layer=layer
        ),
    )
    st.caption(
        _("{layer}: mean over its channels; the band is their standard deviation.").format(
            layer=escaped(layer)
        )
    )


def _show_first(record: RunReader, at: int, layer: str) -> None:
    """The first steps one by one: the averages creep, the batches jump."""
    st.subheader(_("The first ten steps"), anchor=False)
    found = [_beginning(record, quantity, at) for quantity in STARTS]
    parts = [part for part in found if part]
    if len(parts) < len(found):
        st.caption(
            _("This run was not recorded at each of its first steps: train it again to see them.")
        )
        return
    names = (_("running average"), _("what the step's batch brought"))
    st.plotly_chart(
        through_training.beginnings(parts, names, _("steps done"), page.dark()),
        config={"displayModeBar": False},
        alt=_("Running mean and variance of {layer} in the first steps").format(layer=layer),
    )
    variance = parts[-1]
    steps = len(variance.brought)
    st.caption(
        _(
            "{layer}, mean over its channels. Each step moves the average a tenth of the way to what its batch had, so "
            "after {steps} steps {left:.0%} of the start (mean 0, variance 1) is still in it: the stored variance is "
            "{stored:.3g}, the last batch had {last:.3g}. In evaluation the network would go by the stored one."
        ).format(
            layer=escaped(layer),
            steps=steps,
            left=left_of_start(steps),
            stored=variance.running[-1],
            last=variance.brought[-1],
        )
    )


def _beginning(record: RunReader, quantity: str, at: int) -> Beginning | None:
    """None where a step is missing, without which nothing can be told of its batch."""
    steps, values = record.first(quantity, FIRST - 1)
    if len(steps) < 2 or steps.tolist() != list(range(len(steps))):
        return None
    start = STARTS[quantity]
    running = np.concatenate([[start], values[:, at]])
    return Beginning(_title(quantity), running, brought(values, start)[:, at])
