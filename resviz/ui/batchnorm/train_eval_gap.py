"""A run's weights after each epoch, as they train and as they are used."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.figures.batchnorm import train_eval_gap as figures
from resviz.tables import Table
from resviz.training.runs import reader
from resviz.training.runs.reader import RunInfo, RunReader
from resviz.ui.base import checkpoint_names, page
from resviz.ui.base.bounded_cache import BoundedCache
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import runs
from resviz.ui.services import models, training_data
from resviz.ui.services.run_names import spec_of
from resviz.ui.widgets.chart import chart
from resviz.ui.widgets.segmented import segmented

if TYPE_CHECKING:
    from resviz.probes.batchnorm.train_eval_gap import TrainEvalGap

SIZES = (2, 4, 8, 16, 32, 64)
IMAGES = 256
_gaps: "BoundedCache[TrainEvalGap]" = BoundedCache(512)
Gaps = Mapping[int, "TrainEvalGap"]  # by epochs done


def train_eval_gap_section() -> None:
    """Accuracy, or loss, after each epoch with both kinds of statistics."""
    known = _saved()
    if not known:
        st.info(
            _(
                "No network with BatchNorm has been trained here yet: the page Training does it in "
                "a minute."
            )
        )
        runs.link_to_small_batch()
        return
    choosing, batching, measuring = page.wide("mismatch").columns([1.5, 1.5, 1], gap="medium")
    with choosing:
        record = reader.read(runs.pick(known))
    with batching:
        batch = _pick_batch(record)
    with measuring:
        quantity = segmented(_("Measured"), _titles(), "accuracy", "judged")
    data = training_data.of_run(record.id)
    if data is None or not training_data.present(data):
        _pictures_are_missing(data, known[record.id])
        return
    _over_epochs(record, _measured(record.id, data, batch), quantity, batch)
    runs.link_to_small_batch()


def _saved() -> dict[str, RunInfo]:
    """Runs with BatchNorm of which weights after epochs were kept."""
    from resviz.models import zoo

    return {
        info.id: info
        for info in reader.runs()
        if _has_norm(info) and _checkpoints(zoo.saved(info.id))
    }


def _has_norm(info: RunInfo) -> bool:
    return info.model.startswith("new/") and spec_of(info).norm == "batch"


def _checkpoints(saved: tuple[str, ...]) -> dict[int, str]:
    """Epochs done and the name of the weights after them; untrained weights tell nothing."""
    return {int(name.rpartition("-")[2]): name for name in saved if name.startswith("epoch-")}


def _pick_batch(record: RunReader) -> int:
    """The size of the run's own batches is the default."""
    own = int(record.config["config"]["batch_size"])
    sizes = sorted({*SIZES, own} if own <= IMAGES else SIZES)
    label = _("Images in a batch; this run trained with {count}").format(count=own)
    titles = {size: str(size) for size in sizes}
    return segmented(label, titles, own if own in sizes else sizes[-1], "together")


def _pictures_are_missing(data: str | None, info: RunInfo) -> None:
    name = escaped(training_data.title(data) if data else info.dataset)
    text = _("The pictures of {data}, which this run learned from, are not on this machine.")
    st.info(text.format(data=name))


def _measured(run: str, data: str, batch: int) -> Gaps:
    """After each epoch whose weights were kept."""
    checkpoints = _checkpoints(checkpoint_names.saved(f"run/{run}"))
    gaps = {}
    with page.progress(_("Both kinds of statistics after each epoch")) as update:
        for i, (epoch, name) in enumerate(checkpoints.items()):
            update(max(i / len(checkpoints), 0.01))
            measure = _measuring(checkpoint_names.at(f"run/{run}", name), data, batch)
            gaps[epoch] = _gaps.get((run, name, data, batch), measure)
    return gaps


def _measuring(model: str, data: str, batch: int) -> "Callable[[], TrainEvalGap]":
    def measure() -> "TrainEvalGap":
        from resviz.device import best
        from resviz.models import zoo
        from resviz.probes.batchnorm.train_eval_gap import train_eval_gap

        with models.computing():
            loaded = zoo.load(model)
            _labels, split = training_data.drawn(loaded, data, IMAGES)
            x = models.normalised(loaded, split.images)
            net = loaded.model.to(best().type)
            return train_eval_gap(net, x, split.targets, min(batch, len(x)))

    return measure


def _titles() -> dict[str, str]:
    return {"accuracy": _("Accuracy"), "loss": _("Loss")}


def _over_epochs(record: RunReader, gaps: Gaps, quantity: str, batch: int) -> None:
    stored = np.array([getattr(gap.stored, quantity) for gap in gaps.values()])
    own = np.array([getattr(gap.own, quantity) for gap in gaps.values()])
    ends = record.epochs()
    recorded = figures.Recorded(ends["epoch"] + 1.0, ends[f"train_{quantity}"])
    alt = _("{quantity} after each epoch with running averages and with batch statistics")
    chart(
        figures.lines(list(gaps), stored, own, recorded, _labels(quantity), page.dark()),
        alt=alt.format(quantity=_titles()[quantity]),
        caption=_last_epoch(gaps),
        table=_numbers(gaps),
        name=f"{record.id}-mismatch-{batch}",
        how_to_read=_(
            "Solid and dashed are one network and the same images; only the mean and variance "
            "differ. The smaller the batch, the more its own statistics scatter: training sees a "
            "noisier network than its users do. Where the solid line lies lower, the running "
            "averages usually lag behind weights that still move."
        ),
    )


def _labels(quantity: str) -> figures.Labels:
    quantities = {"accuracy": _("accuracy"), "loss": _("cross-entropy (nats)")}
    return figures.Labels(
        epochs=_("epochs"),
        quantity=quantities[quantity],
        stored=_("running averages, as it is used"),
        own=_("the batch's own statistics, as it trains"),
        recorded=_("recorded while training, on its training images"),
    )


def _last_epoch(gaps: Gaps) -> str:
    epoch, last = next(reversed(list(gaps.items())))
    text = _(
        "After epoch {epoch}, accuracy of the same weights on the same {images} test images: "
        "**{stored:.1%}** with running averages, **{own:.1%}** in batches of {batch} with their "
        "own statistics."
    )
    return text.format(
        epoch=epoch,
        images=last.images,
        batch=last.batch,
        stored=last.stored.accuracy,
        own=last.own.accuracy,
    )


def _numbers(gaps: Gaps) -> Table:
    columns = ("epoch", "images", "batch", "statistics", "accuracy", "loss")
    rows = tuple(
        (epoch, gap.images, gap.batch, *row)
        for epoch, gap in gaps.items()
        for row in gap.table().rows
    )
    return Table(columns, rows)
