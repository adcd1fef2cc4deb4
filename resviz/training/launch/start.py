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
from resviz.training.engine.conv_backward import CHANNELS, product_pays
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
    """Prepare a run; iterate over its events to train, close the iterator to stop.

    A run that lies in `folder` already goes on. `group`: the processes that train it together.
    Raises `SpecError` for a model that is not `new/...` or has another number of classes,
    `DataError` for the data.
    """
    request = Request(model=model, dataset=dataset, config=config, threads=threads, record=record)
    folder = folder or _agreed_folder(request, group)
    if group.once(lambda: _lies_in(folder, request)):
        return resume_run(folder, progress, group=group)
    run = _prepared(request, folder, progress, group)
    device = _agreed(best(), group)
    small_maps = group.once(lambda: small_maps_help(run, device))
    return run, _events(replace(run, small_maps=small_maps), device, group)


def resume_run(
    folder: Path,
    progress: Progress = silent,
    lock: int | None = None,
    group: Group = ALONE,
) -> tuple[Run, Events]:
    """Prepare the run that lies in a folder, begun or not, and the events that are left.

    `lock`: the descriptor of the run's lock, where whoever started this process took it for us.
    Raises `TrainingError` where nothing is left to do, another process does it, or the data are
    others now.
    """
    was_launched = lock is not None
    lock = group.once(lambda: run_lock.take_run(folder) if lock is None else lock)
    try:
        return _continued(folder, progress, lock, was_launched, group)
    except ResvizError as refusal:
        if group.first:
            _write_refusal(folder, lock, refusal)
        raise


def _agreed_folder(request: Request, group: Group) -> Path:
    # the first process chooses, and after a restart of all it is still that one
    return Path(group.once(lambda: group.settled(str(new_folder(request.spec())))))


def _write_refusal(folder: Path, lock: int, refusal: ResvizError) -> None:
    if RunReader(folder).notes().get("status") != "finished":
        with RunWriter(folder) as writer:
            writer.note(status="crashed", message=refusal.sentence)
    run_lock.release(lock)


def _continued(
    folder: Path, progress: Progress, lock: int, was_launched: bool, group: Group
) -> tuple[Run, Events]:
    reader = RunReader(folder)
    notes, config = group.once(lambda: (reader.notes(), reader.config))
    if notes.get("status") == "finished":
        raise TrainingError(
            "{name} is finished; nothing is left to do. Start a new run for more epochs.",
            name=folder.name,
        )
    request = Request.from_dict(config.get("request", {}))
    run = _prepared(request, folder, progress, group)
    _check_same_data(run, config)
    if group.first and not was_launched:
        run.forget_stop()
    device = _agreed(_same_device(config), group)
    # Sums in another order are other numbers: a run goes on with what it began with. Those of
    # before it was measured all used it.
    has_begun = "device" in config
    begun_with = config.get("small_maps", True) if has_begun else None
    small_maps = group.once(
        lambda: small_maps_help(run, device) if begun_with is None else begun_with
    )
    run = replace(run, small_maps=small_maps)
    return run, _events(run, device, group, lock, config.get("threads"))


def small_maps_help(run: Run, device: Device) -> bool:
    """Measure whether `SmallMaps` helps here, where the run could use it at all."""
    half = device.autocast if run.config.precision == "auto" else None
    is_wide = run.spec.stem == "imagenet" or run.spec.width * 4 >= CHANNELS
    if device.type != "cpu" or half is None or not is_wide:
        return True
    return product_pays(half)


def _check_same_data(run: Run, config: dict[str, Any]) -> None:
    before = config.get("dataset")
    if isinstance(before, dict) and before["sha256"] != run.data.fingerprint:
        raise TrainingError(
            "The pictures of {name} have changed since {run} began; start a new run.",
            name=run.data.name,
            run=run.name,
        )


def _events(
    run: Run, device: Device, group: Group, lock: int | None = None, threads: int | None = None
) -> Events:
    """Settle the threads when the first event is asked for; those that a run began with stay."""
    chosen = run.request.threads if threads is None else threads
    if chosen == MEASURE:
        # processes that wait for each other cannot measure: they have the threads of `torchrun`
        chosen = torch.get_num_threads() if group.joined else measured(run, device)
    if chosen:
        torch.set_num_threads(chosen)
    yield from worker.events(run, device, lock, group)


def _lies_in(folder: Path, request: Request) -> bool:
    """Whether this run has begun in the folder; raises `TrainingError` where another one has."""
    if not (folder / CONFIG).exists():
        return False
    begun = Request.from_dict(RunReader(folder).config.get("request", {}))
    # the batch may have been halved
    config = replace(begun.config, batch_size=request.config.batch_size)
    if replace(begun, config=config) != request:
        raise TrainingError(
            "{folder} holds a run with other settings; choose another --out.", folder=folder
        )
    return True


def _agreed(device: Device, group: Group) -> Device:
    """The device with the precision of the first process; Apple's GPUs know no groups."""
    device = cpu() if group.joined and device.type == "mps" else device
    return replace(device, autocast=group.once(lambda: device.autocast))


def _same_device(config: dict[str, Any]) -> Device:
    """This machine's device in the precision that the run began with."""
    # whether half precision pays is measured anew in each process, and may turn out otherwise
    device, precision = best(), str(config.get("precision", ""))
    if not precision or device.name != config.get("device"):
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
    _check_batch(request, data, group)
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


def _check_batch(request: Request, data: datasets.Dataset, group: Group) -> None:
    size = min(request.config.batch_size, len(data.train))
    # BatchNorm normalises with the images of its own process: one image alone has no variance
    if group.joined and size < 2 * group.world:
        raise TrainingError(
            "A batch of {size} images is too small for {processes} processes, two for each; "
            "start fewer processes.",
            size=size,
            processes=group.world,
        )
