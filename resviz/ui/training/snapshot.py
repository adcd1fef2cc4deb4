"""One look at some runs, for everybody who watches them: read once a second, however many look."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from resviz.errors import TrainingError
from resviz.figures import families
from resviz.figures.training.learning_curves import Curve, Frame, Labels, frame, learning_curves
from resviz.models.spec import FAMILIES
from resviz.training.launch import queue
from resviz.training.runs import reader
from resviz.training.runs.reader import RunInfo, RunReader
from resviz.training.runs.throughput import Throughput, throughput
from resviz.ui.base.bounded_cache import BoundedCache
from resviz.ui.base.i18n import translate as _
from resviz.ui.services import run_names
from resviz.ui.services.network_names import family_title

TICK = 1.0  # seconds between two looks
POINTS = 300  # of a curve: about one for two pixels


@dataclass(frozen=True, slots=True)
class Watched:
    """One run: what its curve and its line under the curves are drawn from."""

    run: RunReader
    info: RunInfo
    name: str  # the network, and what sets it apart from others that are shown
    family: str
    colour: str
    wish: str  # what was asked of it: pause, stop or nothing
    throughput: Throughput
    accuracy: tuple[float, float] | None  # of the last epoch: training and test


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All runs that are shown, and those that cannot be shown with the reason."""

    runs: tuple[Watched, ...]
    left_out: tuple[tuple[str, TrainingError], ...]
    curves: tuple[Curve, ...]
    frame: Frame

    @property
    def is_live(self) -> bool:
        return any(watched.info.status in reader.GOING_ON for watched in self.runs)

    @property
    def names(self) -> str:
        return ", ".join(watched.name for watched in self.runs)


_snapshots: BoundedCache[Snapshot] = BoundedCache(32)
_figures: BoundedCache[Any] = BoundedCache(32)


def latest(ids: Sequence[str], quantity: str) -> Snapshot:
    """The look of this second; who looks in the same second shares it."""
    return _snapshots.get(_moment(ids, quantity), lambda: fresh(ids, quantity))


def fresh(ids: Sequence[str], quantity: str) -> Snapshot:
    """Look now: after a click nobody wants to wait for the next second."""
    queue.admit()
    readers, left_out = _readable(ids)
    infos = [info for _run, info in readers]
    variants = run_names.variants([run for run, _info in readers], infos)
    ranks = sorted(set(variants))
    watched, curves = [], []
    for (run, info), variant in zip(readers, variants, strict=True):
        one = _watched(run, info, variant[1])
        watched.append(one)
        curves.append(_curve(one, ranks.index(variant), quantity))
    return Snapshot(
        tuple(watched), tuple(left_out), tuple(curves), _frame(watched, curves, quantity)
    )


def figure(snapshot: Snapshot, quantity: str, dark: bool) -> Any:
    """The curves when nothing grows any more; drawn anew only where a run has made a step."""
    infos = [watched.info for watched in snapshot.runs]
    state = tuple((info.id, info.step, info.status) for info in infos)
    labels = Labels(training=_("training"), test=_("test"))
    key = (state, quantity, labels, snapshot.frame, snapshot.names, dark)
    return _figures.get(key, lambda: learning_curves(snapshot.curves, snapshot.frame, labels, dark))


def _moment(ids: Sequence[str], quantity: str) -> tuple[object, ...]:
    language = st.query_params.get("lang")
    second = int(time.monotonic() / TICK)
    return (tuple(ids), quantity, language, str(reader.runs_folder()), second)


def _readable(
    ids: Sequence[str],
) -> tuple[list[tuple[RunReader, RunInfo]], list[tuple[str, TrainingError]]]:
    readable, left_out = [], []
    for run_id in ids:
        try:
            run = reader.read(run_id)
            run.train_config()
            readable.append((run, run.info()))
        except TrainingError as refusal:
            left_out.append((run_id, refusal))
    return readable, left_out


def _watched(run: RunReader, info: RunInfo, variant: str) -> Watched:
    spec = run_names.spec_of(info)
    network = f"{family_title(spec.family)}-{spec.depth}"
    epochs = run.epochs()
    accuracy = None
    if len(epochs["epoch"]):
        train, test = epochs["train_accuracy"][-1], epochs["test_accuracy"][-1]
        accuracy = float(train), float(test)
    return Watched(
        run=run,
        info=info,
        name=", ".join(filter(None, [network, variant])),
        family=spec.family,
        colour=families.style(spec.family, tuple(FAMILIES)).colour,
        wish=run.wish,
        throughput=throughput(run),
        accuracy=accuracy,
    )


def _curve(watched: Watched, rank: int, quantity: str) -> Curve:
    scalars, epochs = watched.run.scalars(POINTS), watched.run.epochs()
    steps_an_epoch = watched.info.steps / watched.run.train_config().epochs
    return Curve(
        name=watched.name,
        colour=watched.colour,
        rank=rank,
        at=(scalars["step"] + 1) / max(steps_an_epoch, 1),
        training=scalars[quantity],
        ends=epochs["epoch"] + 1.0,
        test=epochs[f"test_{quantity}"],
    )


def _frame(watched: Sequence[Watched], curves: Sequence[Curve], quantity: str) -> Frame:
    """Over all epochs that the runs will have; over those they had, where they ended early."""
    planned = [one.run.train_config().epochs for one in watched]
    last = [float(curve.at[-1]) for curve in curves if len(curve.at)]
    until, reached = max(planned, default=10), max(last, default=0.0)
    is_over = all(one.info.status not in reader.GOING_ON for one in watched)
    if is_over and 0 < reached < until / 4:
        until = math.ceil(reached)
    titles = {"accuracy": _("accuracy"), "loss": _("cross-entropy")}
    return frame(curves, until, quantity == "accuracy", _("epochs"), titles[quantity])
