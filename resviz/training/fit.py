"""From names to a finished run: load the data, build the network, train it, keep what is learnt.

A run that was interrupted, in whatever way, goes on from its last checkpoint; on a CPU its numbers are those of a run
that never stopped, to the last bit.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from resviz.data import datasets
from resviz.device import Device, best
from resviz.errors import DataError, ResvizError, SpecError, TrainingError
from resviz.training import alive, work
from resviz.training.config import TrainConfig
from resviz.training.journal import Journal
from resviz.training.records import Record
from resviz.training.request import MEASURE, Request
from resviz.training.store import Run, new_folder
from resviz.training.threads import measured
from resviz.training.work import Events


def fit(
    model: str,
    dataset: str,
    config: TrainConfig,
    folder: Path | None = None,
    threads: int | None = None,
    progress: datasets.Progress = lambda share, what: None,
    record: str = "light",
) -> tuple[Run, Events]:
    """The run and its events; iterate to train, close the iterator to stop.

    Raises `SpecError` for a model that is not `new/...` or has another number of classes, `DataError` for the data.
    """
    request = Request(model=model, dataset=dataset, config=config, threads=threads, record=record)
    run = _prepared(request, folder or new_folder(request.spec()), progress)
    return run, _events(run, best())


def carry_on(
    folder: Path, progress: datasets.Progress = lambda share, what: None, lock: int | None = None
) -> tuple[Run, Events]:
    """The run that lies in a folder, begun or not, and the events that are left.

    `lock`: the descriptor of the run's lock, where whoever started this process took it for us.
    Raises `TrainingError` where nothing is left to do, another process does it, or the data are others now.
    """
    record = Record(folder)
    launched, lock = lock is not None, work.taken(folder) if lock is None else lock
    try:
        return _continued(record, progress, lock, launched)
    except ResvizError as refusal:
        if record.notes().get("status") != "finished":
            with Journal(folder) as journal:
                journal.note(status="crashed", message=str(refusal))
        alive.release(lock)
        raise


def _continued(record: Record, progress: datasets.Progress, lock: int, launched: bool) -> tuple[Run, Events]:
    folder = record.folder
    if record.notes().get("status") == "finished":
        raise TrainingError(
            "{name} is finished; nothing is left to do. Start a new run for more epochs.", name=folder.name
        )
    told = record.config
    run = _prepared(Request.from_dict(told.get("request", {})), folder, progress)
    before = told.get("dataset")
    if isinstance(before, dict) and before["sha256"] != run.data.fingerprint:
        raise TrainingError(
            "The pictures of {name} have changed since {run} began; start a new run.", name=run.data.name, run=run.name
        )
    if not launched:
        run.forget_stop()
    return run, _events(run, _same_device(told), lock, told.get("threads"))


def _events(run: Run, device: Device, lock: int | None = None, threads: int | None = None) -> Events:
    """Settle the threads when the first event is asked for; those that a run began with are kept."""
    chosen = run.request.threads if threads is None else threads
    if chosen == MEASURE:
        chosen = measured(run, device)
    if chosen:
        torch.set_num_threads(chosen)
    yield from work.events(run, device, lock)


def _same_device(told: dict[str, Any]) -> Device:
    """This machine's device in the precision that the run began with: whether half of it pays is measured anew
    in each process, and may turn out otherwise."""
    device, precision = best(), str(told.get("precision", ""))
    if not precision or device.name != told.get("device"):
        return device
    half = getattr(torch, precision.removeprefix("torch."), torch.float32)
    return replace(device, autocast=None if half is torch.float32 else half)


def _prepared(request: Request, folder: Path, progress: datasets.Progress) -> Run:
    data = datasets.load(request.dataset, request.config.side, progress)
    if request.spec().classes != len(data.labels):
        raise SpecError(
            "{name} has {count} classes: add classes={count} to the model's name",
            name=data.name,
            count=len(data.labels),
        )
    _check_trainable(data)
    return Run(folder, request, data)


def _check_trainable(data: datasets.Dataset) -> None:
    known = set(data.train.targets.tolist())
    absent = [label for i, label in enumerate(data.labels) if i not in known]
    if absent:
        raise DataError(
            "{name} has no training image of {absent}; each class needs some in train/.",
            name=data.name,
            absent=", ".join(absent[:3]),
        )
