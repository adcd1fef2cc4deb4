"""A run's weights after each epoch, as they train and as they are used: with batch statistics and running averages."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.figures.batchnorm import train_eval_gap
from resviz.training.runs import reader
from resviz.training.runs.reader import RunInfo, RunReader
from resviz.ui.base import checkpoint_names, page, url_state
from resviz.ui.base.bounded_cache import BoundedCache
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import runs
from resviz.ui.services import models, training_data
from resviz.ui.services.run_names import spec_of

if TYPE_CHECKING:
    from resviz.probes.batchnorm.train_eval_gap import Answers, Mismatch

SIZES = (2, 4, 8, 16, 32, 64)
IMAGES = 256
_shelf: "BoundedCache[Mismatch]" = BoundedCache(512)


def show() -> None:
    """Share of right answers, or loss, after each epoch in both ways."""
    known = _saved()
    if not known:
        st.info(
            _(
                "No network with BatchNorm has been trained here yet: the page Training does it in a minute."
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
        quantity = url_state.pick(
            st.segmented_control,
            _("Measured"),
            ("accuracy", "loss"),
            "accuracy",
            "judged",
            required=True,
            format_func=_title,
        )
    data = training_data.of_run(record.id)
    if data is None or not training_data.present(data):
        name = escaped(training_data.title(data)) if data else known[record.id].dataset
        st.info(
            _(
                "The pictures of {data}, which this run learned from, are not on this machine."
            ).format(data=name)
        )
        return
    found = _measured(record.id, data, batch)
    _draw(record, found, quantity)
    _say(found)
    rows = [
        (
            epoch,
            one.images,
            one.batch,
            one.stored.accuracy,
            one.own.accuracy,
            one.stored.loss,
            one.own.loss,
        )
        for epoch, one in found.items()
    ]
    columns = (
        "epoch",
        "images",
        "batch",
        "accuracy_stored",
        "accuracy_own",
        "loss_stored",
        "loss_own",
    )
    page.table_download(_("Download the numbers"), f"{record.id}-mismatch-{batch}", columns, rows)
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
    return url_state.pick(
        st.segmented_control,
        _("Images in a batch; this run trained with {count}").format(count=own),
        sizes,
        own if own in sizes else sizes[-1],
        "together",
        required=True,
    )


def _measured(run: str, data: str, batch: int) -> "dict[int, Mismatch]":
    """After each epoch whose weights were kept."""
    found, checkpoints = {}, _checkpoints(checkpoint_names.saved(f"run/{run}"))
    with page.progress(_("Both kinds of statistics after each epoch")) as update:
        for i, (epoch, name) in enumerate(checkpoints.items()):
            update(max(i / len(checkpoints), 0.01))
            found[epoch] = _shelf.get(
                (run, name, data, batch),
                _measuring(checkpoint_names.at(f"run/{run}", name), data, batch),
            )
    return found


def _measuring(model: str, data: str, batch: int) -> "Callable[[], Mismatch]":
    def measure() -> "Mismatch":
        from resviz.device import best
        from resviz.models import zoo
        from resviz.probes.batchnorm.train_eval_gap import mismatch

        with models.computing():
            loaded = zoo.load(model)
            _labels, split = training_data.drawn(loaded, data, IMAGES)
            x = models.normalised(loaded, split.images)
            return mismatch(loaded.model.to(best().type), x, split.targets, min(batch, len(x)))

    return measure


def _title(quantity: str) -> str:
    return {"accuracy": _("Accuracy"), "loss": _("Loss")}[quantity]


def _draw(record: RunReader, found: "dict[int, Mismatch]", quantity: str) -> None:
    def values(of: "Callable[[Mismatch], Answers]") -> np.ndarray:
        return np.array([getattr(of(one), quantity) for one in found.values()])

    ends = record.epochs()
    title = {"accuracy": _("share of right answers"), "loss": _("cross-entropy")}[quantity]
    words = (
        _("epochs"),
        title,
        _("running averages, as it is used"),
        _("the batch's own statistics, as it trains"),
        _("recorded while training, on its training images"),
    )
    st.plotly_chart(
        train_eval_gap.lines(
            list(found),
            values(lambda one: one.stored),
            values(lambda one: one.own),
            (ends["epoch"] + 1.0, ends[f"train_{quantity}"]),
            words,
            page.dark(),
        ),
        config={"displayModeBar": False},
        alt=_("{quantity} after each epoch with running averages and with batch statistics").format(
            quantity=_title(quantity)
        ),
    )


def _say(found: "dict[int, Mismatch]") -> None:
    epoch, last = next(reversed(found.items()))
    st.markdown(
        _(
            "After epoch {epoch}, the same weights on the same {images} test images: **{stored:.1%}** right with "
            "running averages, **{own:.1%}** in batches of {batch} with their own statistics."
        ).format(
            epoch=epoch,
            images=last.images,
            batch=last.batch,
            stored=last.stored.accuracy,
            own=last.own.accuracy,
        )
    )
    st.caption(
        _(
            "Solid and dashed are one network and the same images; only the mean and variance differ. The smaller the "
            "batch, the more its own statistics scatter: training sees a noisier network than its users do. Where the "
            "solid line lies lower, the running averages have not caught up with weights that still move."
        )
    )
