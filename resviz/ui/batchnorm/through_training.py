"""What BatchNorm's layers stored at each step of a recorded run, and how their averages began."""

import numpy as np
import streamlit as st

from resviz.errors import TrainingError
from resviz.figures.batchnorm import running_average, through_training
from resviz.probes.batchnorm.running_average import STARTS, brought, left_of_start
from resviz.tables import Table
from resviz.training.runs import reader
from resviz.training.runs.reader import RunInfo, RunReader
from resviz.ui.base import page
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.numbers import significant
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import channels, runs
from resviz.ui.widgets.chart import chart
from resviz.ui.widgets.segmented import segmented

KINDS = {"bn_mean": "signed", "bn_variance": "powers", "bn_gamma": "ordered", "bn_beta": "signed"}
COLUMNS = 300  # steps drawn; a screen has no more room
FIRST = 10  # steps that are looked at one by one


def through_training_section() -> None:
    """All layers over the steps, the chosen one's quantities, and its first ten steps."""
    known = _recorded()
    if not known:
        st.info(
            _(
                "No run has recorded BatchNorm yet: train networks on the page Training, with the "
                "record set to full."
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
        quantity = _pick_quantity(record)
    _recorded_layers(record, quantity)
    runs.link_to_race()


def _recorded_layers(record: RunReader, quantity: str) -> None:
    """All layers, beside the one that is picked there; below, that one's first steps."""
    over_depth, one = page.wide("through").columns([1.25, 1], gap="large")
    layers = record.layers(quantity)
    with one:
        layer = channels.pick_layer(layers)
        _layer_over_steps(record, layers.index(layer), layer)
    with over_depth:
        _all_layers(record, quantity, layers.index(layer))
    _first_steps(record, layers.index(layer), layer)


def _recorded() -> dict[str, RunInfo]:
    """The runs that recorded BatchNorm, the youngest first."""
    recorded = {}
    for info in reader.runs():
        try:
            if info.step > 1 and reader.read(info.id).layers("bn_mean"):
                recorded[info.id] = info
        except TrainingError:  # deleted meanwhile
            continue
    return recorded


def _pick_quantity(record: RunReader) -> str:
    # Runs of an earlier version have no beta.
    titles = {kind: _title(kind) for kind in KINDS if record.layers(kind)}
    return segmented(_("Stored"), titles, "bn_mean", "stored")


def _title(quantity: str) -> str:
    return {
        "bn_mean": _("running mean"),
        "bn_variance": _("running variance"),
        "bn_gamma": _("γ, scale"),
        "bn_beta": _("β, shift"),
    }[quantity]


def _all_layers(record: RunReader, quantity: str, chosen: int) -> None:
    steps, values = record.norms(quantity, COLUMNS)
    layers = record.layers(quantity)
    labels = through_training.HeatmapLabels(
        step=_("step"),
        layer=_("layer, from the input"),
        quantity=_title(quantity),
    )
    figure = through_training.heatmap(
        steps, values, layers, chosen, KINDS[quantity], labels, page.dark()
    )
    alt = _("{quantity} of {count} layers at each step")
    chart(
        figure,
        alt=alt.format(quantity=_title(quantity), count=len(layers)),
        caption=_columns_caption(steps),
        table=_numbers(steps, layers, values, quantity),
        name=f"{record.id}-{quantity}",
        how_to_read=_colours(quantity),
    )


def _columns_caption(steps: np.ndarray) -> str:
    """What column, row and frame are; of long runs not every step is recorded, or drawn."""
    every = round(float(np.median(np.diff(steps)))) if len(steps) > 1 else 1
    if every > 1:
        text = _(
            "A column is one step out of {every}, a row a layer (mean over its channels). The "
            "frame is the chosen layer."
        )
        return text.format(every=every)
    return _(
        "A column is a step, a row a layer (mean over its channels). The frame is the chosen layer."
    )


def _colours(quantity: str) -> str:
    signed = _(
        "The colour of the page is zero, red lies above it, blue below; 95% of the numbers lie "
        "between the ends of the colours."
    )
    return {
        "bn_mean": signed,
        "bn_beta": signed,
        "bn_variance": _("Yellow is large; the colours are logarithmic."),
        "bn_gamma": _("Yellow is large; most layers start at 1."),
    }[quantity]


def _numbers(
    steps: np.ndarray, layers: tuple[str, ...], values: np.ndarray, quantity: str
) -> Table:
    rows = tuple(
        (int(step), layer, float(value))
        for step, row in zip(steps, values, strict=True)
        for layer, value in zip(layers, row, strict=True)
    )
    return Table(("step", "layer", quantity), rows)


def _layer_over_steps(record: RunReader, index: int, layer: str) -> None:
    steps, courses = _courses(record, index)
    labels = through_training.CourseLabels(step=_("step"))
    alt = _("Running mean, running variance, scale and shift of {layer} at each step")
    caption = _("{layer}: the mean over its channels; the band is their standard deviation.")
    chart(
        through_training.courses(steps, courses, labels, page.dark()),
        alt=alt.format(layer=layer),
        caption=caption.format(layer=escaped(layer)),
    )


def _courses(record: RunReader, index: int) -> tuple[np.ndarray, list[through_training.Course]]:
    """What was recorded of one layer, each quantity by its mean and std over the channels."""
    titles = {
        "bn_mean": _("mean"),
        "bn_variance": _("variance"),
        "bn_gamma": "γ",
        "bn_beta": "β",
    }
    courses = []
    for quantity, title in titles.items():
        if record.layers(quantity):
            steps, means = record.norms(quantity, COLUMNS)
            _steps, stds = record.norms(f"{quantity}_deviation", COLUMNS)
            course = through_training.Course(title, means[:, index], stds[:, index])
            courses.append(course)
    return steps, courses


def _first_steps(record: RunReader, index: int, layer: str) -> None:
    """The first steps one by one: the averages creep, the batches jump."""
    st.header(_("The first ten steps"), anchor=False)
    beginnings = [_beginning(record, quantity, index) for quantity in STARTS]
    parts = [part for part in beginnings if part]
    if len(parts) < len(beginnings):
        st.caption(
            _("This run was not recorded at each of its first steps: train it again to see them.")
        )
        return
    labels = running_average.Labels(
        average=_("running average"),
        batch=_("what the step's batch brought"),
        step=_("steps done"),
    )
    alt = _("Running mean and variance of {layer} in the first steps")
    chart(
        running_average.beginnings(parts, labels, page.dark()),
        alt=alt.format(layer=layer),
        caption=_start_left(layer, parts[-1]),
        how_to_read=_(
            "Means over the channels of the layer. Each step moves the average a tenth of the way "
            "to what its batch had. In evaluation the network would go by the stored averages."
        ),
    )


def _start_left(layer: str, variance: running_average.Beginning) -> str:
    steps = len(variance.brought)
    text = _(
        "{layer}: after {steps} steps {left:.0%} of the start (mean 0, variance 1) is left; the "
        "stored variance is {stored}, the last batch had {last}."
    )
    return text.format(
        layer=escaped(layer),
        steps=steps,
        left=left_of_start(steps),
        stored=significant(variance.running[-1]),
        last=significant(variance.brought[-1]),
    )


def _beginning(record: RunReader, quantity: str, index: int) -> running_average.Beginning | None:
    """None where a step is missing, without which nothing can be told of its batch."""
    steps, values = record.first(quantity, FIRST - 1)
    if len(steps) < 2 or steps.tolist() != list(range(len(steps))):
        return None
    start = STARTS[quantity]
    running = np.concatenate([[start], values[:, index]])
    batches = brought(values, start)[:, index]
    return running_average.Beginning(_title(quantity), running, batches)
