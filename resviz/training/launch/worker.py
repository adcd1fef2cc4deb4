"""A run at work: trains, records, saves, and ends in one of four ways, each of them written down.

Finished; stopped by whoever asked; stopped because the loss is no number any more; or failed, with
a sentence. The fifth, a process that dies without a word, is seen by its lock, which the system
takes back.

Of several processes at one run (`distributed`) the first does all this, and the others compute
their share.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import torch
from torch import nn

from resviz.device import Device
from resviz.errors import ResvizError, Sentence, TrainingError
from resviz.models.architectures.resnet import build
from resviz.training.engine.checkpoint import State
from resviz.training.engine.distributed import ALONE, Group
from resviz.training.engine.evaluation import evaluate
from resviz.training.engine.find_nonfinite import DivergedError
from resviz.training.engine.recorder import BATCHNORM_EVERY, Recorder
from resviz.training.engine.trainer import Training
from resviz.training.events import EpochEnd, Step
from resviz.training.runs import last_words
from resviz.training.runs import lock as run_lock
from resviz.training.runs.folder import Run, statistics
from resviz.training.runs.reader import RunReader
from resviz.training.runs.writer import RunWriter

Events = Iterator[Step | EpochEnd]


def events(run: Run, device: Device, lock: int | None = None, group: Group = ALONE) -> Events:
    """Train the run and record everything; who closes the iterator stops it, to go on later.

    `lock`: the descriptor of the run's lock, where it is taken already.
    """
    if group.first:
        yield from _lead(run, device, lock, group)
    else:
        yield from _follow(run, device, group)


def _follow(run: Run, device: Device, group: Group) -> Events:
    """Make the same steps as the first process, which records them."""
    network = build(run.spec)
    recorder = Recorder(network, run.request.record)
    with group.together():
        state = group.once(run.saved_state)
        training = _training(run, network, device, recorder, state, group)
        for event in training.events():
            yield event
            if group.any(False):
                return


def _lead(run: Run, device: Device, lock: int | None, group: Group) -> Events:
    run.make()
    if lock is None:
        lock = run_lock.take_run(run.folder)
        run.forget_stop()  # somebody's wish of another day
    with _released(lock):
        run.sweep()
        run.start(device, group.world)
        with RunWriter(run.folder) as writer, _ending(run, writer), group.together():
            yield from _attempt(run, device, writer, group, may_halve=not group.joined)


def _attempt(run: Run, device: Device, writer: RunWriter, group: Group, may_halve: bool) -> Events:
    """Train; where the memory does not hold even the first step, once more with half the batch."""
    try:
        yield from _Attempt(run, device, writer, group).events()
        return
    except (MemoryError, RuntimeError) as reason:
        if not _is_out_of_memory(reason):
            raise
        step = RunReader(run.folder).info().step
        has_begun = step > 0 or run.saved_state() is not None
        if has_begun or not may_halve or run.config.batch_size < 4:
            raise TrainingError(
                "The memory is full at step {step}; close other programs and resume, "
                "or choose a smaller batch.",
                step=step + 1,
            ) from reason
    config = replace(run.config, batch_size=run.config.batch_size // 2)
    smaller = replace(run, request=replace(run.request, config=config))
    smaller.start(device)
    yield from _attempt(smaller, device, writer, group, may_halve=False)


def _training(
    run: Run,
    network: nn.Module,
    device: Device,
    recorder: Recorder,
    state: State | None,
    group: Group,
) -> Training:
    pixels = statistics(run.data)
    return Training(
        network,
        run.data,
        run.config,
        device,
        pixels,
        recorder,
        state,
        group,
        run.small_maps,
    )


class _Attempt:
    """One training with all that it leaves behind."""

    def __init__(self, run: Run, device: Device, writer: RunWriter, group: Group) -> None:
        self.run, self.device, self.writer, self.group = run, device, writer, group
        self.network, self.pixels = build(run.spec), statistics(run.data)
        recorder = Recorder(self.network, run.request.record)
        state = group.once(run.saved_state)
        self.training = _training(run, self.network, device, recorder, state, group)
        notes = RunReader(run.folder).notes()
        # steps after the checkpoint are done again, and may not be skipped then
        before = [step for step in notes.get("skipped", []) if step < self.training.step]
        self.skipped: list[int] = before if state else []
        self.seconds_before = float(notes.get("seconds", 0.0)) if state else 0.0
        self.begun = self.saved = time.monotonic()
        writer.layers(recorder.names())
        writer.note(
            steps=self.training.steps, batchnorm_every=BATCHNORM_EVERY, skipped=self.skipped
        )
        # a resume is no other start
        writer.note(**{name: notes.get(name, time.time()) for name in ("started", "queued")})
        if state is None:
            run.save_epoch(self.network, None, 0, 0.0)

    def events(self) -> Events:
        for event in self.training.events():
            self._record(event)
            try:
                yield event
            except GeneratorExit:
                self._checkpoint()
                raise
            if self.group.any(self.run.asked_to_stop()):
                self._checkpoint()
                self.writer.note(status="stopped", message="")
                return
        self._finish()

    def _record(self, event: Step | EpochEnd) -> None:
        if isinstance(event, EpochEnd):
            self.writer.epoch(event)
            self.run.save_epoch(self.network, event.test, event.epoch + 1, self._seconds())
            self._checkpoint()
            return
        self.writer.step(event)
        if event.skipped:
            self.skipped.append(event.step)
            self.writer.note(skipped=self.skipped)
        if time.monotonic() - self.saved >= self.run.request.checkpoint_seconds:
            self._checkpoint()

    def _checkpoint(self) -> None:
        # first what is recorded, then where to go on: no checkpoint is ahead of its records
        self.writer.flush(durable=True)
        self.run.save_state(self.training.state())
        self.writer.note(seconds=self._seconds())
        self.saved = time.monotonic()

    def _finish(self) -> None:
        """Measure once more in float32, as the network will be used."""
        classes = len(self.run.data.labels)
        final = evaluate(self.network, self.run.data.test, self.pixels, self.device, classes)
        self.run.save(self.network, final, self._seconds())
        result = {"accuracy": final.accuracy, "loss": final.loss}
        self.writer.note(status="finished", message="", final=result, seconds=self._seconds())

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.begun


@contextmanager
def _released(lock: int) -> Iterator[None]:
    try:
        yield
    finally:
        run_lock.release(lock)


@contextmanager
def _ending(run: Run, writer: RunWriter) -> Iterator[None]:
    """Write down how it ended, where that can still be done."""
    # what it trains is known from the first moment: whoever lists the runs asks for it
    model = f"new/{run.spec}"
    writer.note(status="running", message="", model=model, dataset=run.data.name)
    with suppress(OSError):
        last_words.reserve(run.folder)
    try:
        yield
    except (GeneratorExit, KeyboardInterrupt):
        writer.note(status="stopped", message="")
        last_words.clear(run.folder)
        raise
    except Exception as reason:
        status = "stopped" if isinstance(reason, DivergedError) else "crashed"
        _write_ending(run, writer, status, _sentence(reason))
        raise
    last_words.clear(run.folder)


def _write_ending(run: Run, writer: RunWriter, status: str, message: Sentence) -> None:
    try:
        writer.note(status=status, message=message)
    except TrainingError:
        # the run's own file cannot be written; if its folder is gone there is nobody to tell
        with suppress(OSError):
            last_words.write(run.folder, status, message)
    else:
        last_words.clear(run.folder)


def _sentence(reason: Exception) -> Sentence:
    if isinstance(reason, ResvizError):
        return reason.sentence
    return Sentence("{kind}: {reason}", kind=type(reason).__name__, reason=reason)


def _is_out_of_memory(reason: Exception) -> bool:
    if isinstance(reason, MemoryError | torch.OutOfMemoryError):
        return True
    # allocators of the CPU and of Apple's GPUs raise plain RuntimeErrors
    return any(sign in str(reason) for sign in ("allocate memory", "out of memory"))
