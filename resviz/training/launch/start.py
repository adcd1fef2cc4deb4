"""From names to a finished run: load the data, build the network, train it, keep what is learnt.

A run that was interrupted, in whatever way, goes on from its last checkpoint; on a CPU its numbers
are those of a run that never stopped, to the last bit.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from resviz.data import datasets
from resviz.device import Device, best, cpu
from resviz.errors import DataError, ResvizError, SpecError, TrainingError
from resviz.progress import Progress, silent
from resviz.training.config import TrainConfig
from resviz.training.engine.distributed import ALONE, Group
from resviz.training.launch import worker
from resviz.training.launch.threads import measured
from resviz.training.launch.worker import Events
from resviz.training.request import MEASURE, Request
from resviz.training.runs import lock as run_lock
from resviz.training.runs.folder import Run
from resviz.training.runs.naming import new_folder
from resviz.training.runs.reader import RunReader
from resviz.training.runs.writer import RunWriter
from resviz.training.schema import CONFIG


def start_run(
    model: str,
    dataset: str,
    config: TrainConfig,
    folder: Path | None = None,
    threads: int | None = None,
    progress: Progress = silent,
    record: str = "light",
    group: Group = ALONE,
) -> tuple[Run, Events]:
    """The run and its events; iterate to train, close the iterator to stop.

    A run that lies in `folder` already goes on. `group`: the processes that train it together.
    Raises `SpecError` for a model that is not `new/...` or has another number of classes,
    `DataError` for the data.
    """
    request = Request(model=model, dataset=dataset, config=config, threads=threads, record=record)
    folder = folder or Path(group.once(lambda: group.settled(str(new_folder(request.spec())))))
    if group.once(lambda: _lies_in(folder, request)):
        return resume_run(folder, progress, group=group)
    run = _prepared(request, folder, progress, group)
    return run, _events(run, _agreed(best(), group), group)


def resume_run(
    folder: Path,
    progress: Progress = silent,
    lock: int | None = None,
    group: Group = ALONE,
) -> tuple[Run, Events]:
    """The run that lies in a folder, begun or not, and the events that are left.

    `lock`: the descriptor of the run's lock, where whoever started this process took it for us.
    Raises `TrainingError` where nothing is left to do, another process does it, or the data are
    others now.
    """
    launched, lock = (
        lock is not None,
        group.once(lambda: worker.taken(folder) if lock is None else lock),
    )
    try:
        return _continued(folder, progress, lock, launched, group)
    except ResvizError as refusal:
        if group.first:
            _refuse(folder, lock, refusal)
        raise


def _refuse(folder: Path, lock: int, refusal: ResvizError) -> None:
    if RunReader(folder).notes().get("status") != "finished":
        with RunWriter(folder) as journal:
            journal.note(status="crashed", message=refusal.sentence)
    run_lock.release(lock)


def _continued(
    folder: Path, progress: Progress, lock: int, launched: bool, group: Group
) -> tuple[Run, Events]:
    notes, told = group.once(lambda: (RunReader(folder).notes(), RunReader(folder).config))
    if notes.get("status") == "finished":
        raise TrainingError(
            "{name} is finished; nothing is left to do. Start a new run for more epochs.",
            name=folder.name,
        )
    run = _prepared(Request.from_dict(told.get("request", {})), folder, progress, group)
    before = told.get("dataset")
    if isinstance(before, dict) and before["sha256"] != run.data.fingerprint:
        raise TrainingError(
            "The pictures of {name} have changed since {run} began; start a new run.",
            name=run.data.name,
            run=run.name,
        )
    if group.first and not launched:
        run.forget_stop()
    return run, _events(run, _agreed(_same_device(told), group), group, lock, told.get("threads"))


def _events(
    run: Run, device: Device, group: Group, lock: int | None = None, threads: int | None = None
) -> Events:
    """Settle the threads when the first event is asked for; those that a run began with are kept.

    Processes that wait for each other cannot measure: they have the threads that `torchrun` gives
    them.
    """
    chosen = run.request.threads if threads is None else threads
    if chosen == MEASURE:
        chosen = torch.get_num_threads() if group.joined else measured(run, device)
    if chosen:
        torch.set_num_threads(chosen)
    yield from worker.events(run, device, lock, group)


def _lies_in(folder: Path, request: Request) -> bool:
    """Whether the run that is asked for has begun in this folder; raises `TrainingError` where another one has."""
    if not (folder / CONFIG).exists():
        return False
    found = Request.from_dict(RunReader(folder).config.get("request", {}))
    alike = replace(
        found.config, batch_size=request.config.batch_size
    )  # which may have been halved
    if replace(found, config=alike) != request:
        raise TrainingError(
            "{folder} holds a run with other settings; choose another --out.", folder=folder
        )
    return True


def _agreed(device: Device, group: Group) -> Device:
    """The device with the precision of the first process; Apple's GPUs know no groups."""
    device = cpu() if group.joined and device.type == "mps" else device
    return replace(device, autocast=group.once(lambda: device.autocast))


def _same_device(told: dict[str, Any]) -> Device:
    """This machine's device in the precision that the run began with: whether half of it pays is measured anew
    in each process, and may turn out otherwise."""
    device, precision = best(), str(told.get("precision", ""))
    if not precision or device.name != told.get("device"):
        return device
    half = getattr(torch, precision.removeprefix("torch."), torch.float32)
    return replace(device, autocast=None if half is torch.float32 else half)


def _prepared(request: Request, folder: Path, progress: Progress, group: Group) -> Run:
    with group.one_ahead():
        data = datasets.load(request.dataset, request.config.side, progress)
    if request.spec().classes != len(data.labels):
        raise SpecError(
            "{name} has {count} classes: add classes={count} to the model's name",
            name=data.name,
            count=len(data.labels),
        )
    _check_trainable(data)
    if (size := min(request.config.batch_size, len(data.train))) < 2 * group.world and group.joined:
        raise TrainingError(
            "A batch of {size} images is too small for {processes} processes, two for each; start fewer processes.",
            size=size,
            processes=group.world,
        )
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
