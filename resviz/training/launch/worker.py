"""A run at work: trains, records, saves, and ends in one of four ways, each of them written down.

Finished; stopped by whoever asked; stopped because the loss is no number any more; or failed, with
a sentence. The fifth, a process that dies without a word, is seen by its lock, which the system
takes back.

Of several processes at one run (`parallel`) the first does all this, and the others compute their
share.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import torch

from resviz.device import Device
from resviz.errors import ResvizError, TrainingError
from resviz.models.architectures.resnet import build
from resviz.training.engine.distributed import ALONE, Group
from resviz.training.engine.evaluation import evaluate
from resviz.training.engine.find_nonfinite import DivergedError
from resviz.training.engine.recorder import BATCHNORM_EVERY, Recorder
from resviz.training.engine.trainer import Training
from resviz.training.events import EpochEnd, Step
from resviz.training.runs import lock as run_lock
from resviz.training.runs.folder import Run, statistics
from resviz.training.runs.reader import RunReader
from resviz.training.runs.writer import RunWriter

Events = Iterator[Step | EpochEnd]


def events(run: Run, device: Device, lock: int | None = None, group: Group = ALONE) -> Events:
    """Train the run and keep everything; who closes the iterator stops the run, which can go on later.

    `lock`: the descriptor of the run's lock, where it is taken already.
    """
    yield from _kept(run, device, lock, group) if group.first else _followed(run, device, group)


def _followed(run: Run, device: Device, group: Group) -> Events:
    """The same steps in step with the first process, which keeps them."""
    network, pixels = build(run.spec), statistics(run.data)
    recorder = Recorder(network, run.request.record)
    with group.together():
        state = group.once(run.kept)
        for event in Training(
            network, run.data, run.config, device, pixels, recorder, state, group
        ).events():
            yield event
            if group.any(False):
                return


def _kept(run: Run, device: Device, lock: int | None, group: Group) -> Events:
    run.make()
    if lock is None:
        lock = taken(run.folder)
        run.forget_stop()  # somebody's wish of another day
    with _released(lock):
        run.start(device, group.world)
        with RunWriter(run.folder) as journal, _ending(journal), group.together():
            yield from _attempt(run, device, journal, group, may_halve=not group.joined)


def _attempt(run: Run, device: Device, journal: RunWriter, group: Group, may_halve: bool) -> Events:
    """Train; where the memory does not hold even the first step, once more with half the batch."""
    try:
        yield from _Work(run, device, journal, group).events()
        return
    except (MemoryError, RuntimeError) as reason:
        if not _out_of_memory(reason):
            raise
        begun, half = RunReader(run.folder).info().step, run.config.batch_size // 2
        if not may_halve or begun or half < 2 or run.kept() is not None:
            raise TrainingError(
                "The memory is full at step {step}; close other programs and resume, or choose a smaller batch.",
                step=begun + 1,
            ) from reason
    smaller = replace(
        run, request=replace(run.request, config=replace(run.config, batch_size=half))
    )
    smaller.start(device)
    yield from _attempt(smaller, device, journal, group, may_halve=False)


class _Work:
    """One attempt: the training with what it is kept in."""

    def __init__(self, run: Run, device: Device, journal: RunWriter, group: Group) -> None:
        self.run, self.device, self.journal, self.group = run, device, journal, group
        self.network, self.pixels = build(run.spec), statistics(run.data)
        recorder = Recorder(self.network, run.request.record)
        state = group.once(run.kept)
        self.training = Training(
            self.network, run.data, run.config, device, self.pixels, recorder, state, group
        )
        told = RunReader(run.folder).notes()
        self.skipped = [
            step for step in told.get("skipped", []) if state and step < self.training.step
        ]
        self.before = float(told.get("seconds", 0.0)) if state else 0.0
        self.begun = self.saved = time.monotonic()
        journal.layers(recorder.names())
        journal.note(
            steps=self.training.steps, batchnorm_every=BATCHNORM_EVERY, skipped=self.skipped
        )
        begun = {
            name: told.get(name, time.time()) for name in ("started", "queued")
        }  # a resume is no other start
        journal.note(model=f"new/{run.spec}", dataset=run.data.name, **begun)
        if state is None:
            run.save_epoch(self.network, None, 0, 0.0)

    def events(self) -> Events:
        for event in self.training.events():
            self._keep(event)
            try:
                yield event
            except GeneratorExit:
                self._checkpoint()
                raise
            if self.group.any(self.run.asked_to_stop()):
                self._checkpoint()
                self.journal.note(status="stopped", message="")
                return
        self._finish()

    def _keep(self, event: Step | EpochEnd) -> None:
        if isinstance(event, EpochEnd):
            self.journal.epoch(event)
            self.run.save_epoch(self.network, event.test, event.epoch + 1, self._seconds())
            self._checkpoint()
        else:
            self.journal.step(event)
            if event.skipped:
                self.skipped.append(event.step)
                self.journal.note(skipped=self.skipped)
            if time.monotonic() - self.saved >= self.run.request.checkpoint_seconds:
                self._checkpoint()

    def _checkpoint(self) -> None:
        """First the records, then where to go on: no checkpoint is ahead of its records."""
        self.journal.flush(durable=True)
        self.run.keep(self.training.state())
        self.journal.note(seconds=self._seconds())
        self.saved = time.monotonic()

    def _finish(self) -> None:
        """Measure once more in float32, as the network will be used."""
        final = evaluate(
            self.network, self.run.data.test, self.pixels, self.device, len(self.run.data.labels)
        )
        self.run.save(self.network, final, self._seconds())
        found = {"accuracy": final.accuracy, "loss": final.loss}
        self.journal.note(status="finished", message="", final=found, seconds=self._seconds())

    def _seconds(self) -> float:
        return self.before + time.monotonic() - self.begun


def taken(folder: Path) -> int:
    """The lock of a run's folder; raises `TrainingError` where another process has it, or none can be had."""
    try:
        held = run_lock.hold(folder)
    except OSError as reason:
        raise TrainingError(
            "{folder} cannot be written ({reason}); choose another --out.",
            folder=folder,
            reason=reason.strerror,
        ) from None
    if held is None:
        raise TrainingError(
            "Another process is at work on {name}; wait for it, or stop it first.", name=folder.name
        )
    return held


@contextmanager
def _released(lock: int) -> Iterator[None]:
    try:
        yield
    finally:
        run_lock.release(lock)


@contextmanager
def _ending(journal: RunWriter) -> Iterator[None]:
    """Write down how it ended, where that can still be done."""
    journal.note(status="running", message="")
    try:
        yield
    except (GeneratorExit, KeyboardInterrupt):
        journal.note(status="stopped", message="")
        raise
    except Exception as reason:
        message = (
            reason.sentence
            if isinstance(reason, ResvizError)
            else f"{type(reason).__name__}: {reason}"
        )
        with suppress(TrainingError):
            journal.note(
                status="stopped" if isinstance(reason, DivergedError) else "crashed",
                message=message,
            )
        raise


def _out_of_memory(reason: Exception) -> bool:
    told = isinstance(reason, MemoryError | torch.OutOfMemoryError)
    return told or "allocate memory" in str(reason) or "out of memory" in str(reason)
