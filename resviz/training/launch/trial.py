"""A training in miniature, `python -m resviz.training.launch.trial`, timed in a process of its own.

It makes two epochs of a few steps each with all that belongs to them: recording, test split,
checkpoints. It reads one JSON object and prints a line for each training.

Of pictures that have to be downloaded only the shapes count here: noise of their number and size
stands in for them.
"""

import gc
import json
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import torch

from resviz.data import datasets
from resviz.data.builtin import KNOWN
from resviz.data.datasets import Dataset, Split
from resviz.device import Device, best, cores
from resviz.errors import ResvizError
from resviz.models.architectures.resnet import build
from resviz.training.engine.augmentation import Batches
from resviz.training.engine.evaluation import evaluate
from resviz.training.events import EpochEnd
from resviz.training.launch import worker
from resviz.training.launch.cost import Timing, as_line
from resviz.training.launch.start import small_maps_help
from resviz.training.launch.threads import measured
from resviz.training.request import Request
from resviz.training.runs.folder import Run, statistics

STEPS, EPOCHS = 5, 2  # of the miniature
TESTED = 256  # pictures of its test split
CLEAR = Path("/proc/self/clear_refs")
# as published: pictures to train with, and to test with
PUBLISHED = {
    "fashion-full": (60_000, 10_000),
    "cifar10": (50_000, 10_000),
    "cifar100": (50_000, 10_000),
}


def main() -> None:
    """What the process does."""
    question = json.load(sys.stdin)
    print(json.dumps({"ready": True}), flush=True)
    for values in question["requests"]:
        try:
            timing = timed(Request.from_dict(values), question["at_once"])
        except ResvizError as refusal:
            print(json.dumps({"refusal": str(refusal)}), flush=True)
            return
        print(as_line(timing), flush=True)


def timed(request: Request, at_once: int = 1) -> Timing:
    """Time one training, on the cores that are left for each of `at_once`."""
    begun, device = time.perf_counter(), best()
    # the peak of an earlier training in this process is not this one's
    _forget_peak(device)
    data = _data(request)
    counting = _seconds_of_statistics(data)
    # as large as in the training: they count for the memory
    images, targets, pixels = data.train.images, data.train.targets, statistics(data)
    batches = Batches(images, targets, request.config, *pixels, device=device.type)
    small = _few(data, request.config.batch_size * STEPS)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "trial", _miniature(request), small)
        run = replace(run, small_maps=small_maps_help(run, device))
        # as the training itself will choose them
        torch.set_num_threads(measured(run, device, max(1, cores() // at_once)))
        start = time.perf_counter() - begun
        clock = _clock(run, device)
    step, tests = median(clock.steps), len(data.test) / len(small.test)
    # an epoch's end writes two files of weights, each with the statistics of the pixels
    epoch = min(clock.ends) + clock.test * (tests - 1) + 2 * counting
    memory, free = _peak(device)
    return Timing(
        start=start + max(clock.first - step, 0.0),
        step=step,
        epoch=max(epoch, 0.0),
        steps=len(batches),
        memory=memory,
        free=free,
        measured=len(clock.steps),
    )


def _miniature(request: Request) -> Request:
    # with a learning rate of 0 it cannot diverge
    config = replace(request.config, epochs=EPOCHS, recalibration=0, lr=0.0)
    return replace(request, config=config)


@dataclass(frozen=True, slots=True)
class _Clock:
    """Seconds of the parts of a miniature."""

    first: float  # until the first step was done
    steps: list[float]
    ends: list[float]  # what followed each epoch
    test: float  # the test split alone


def _clock(run: Run, device: Device) -> _Clock:
    steps, ends, before = list[float](), list[float](), time.perf_counter()
    for event in worker.events(run, device):
        now = time.perf_counter()
        (ends if isinstance(event, EpochEnd) else steps).append(now - before)
        before = now
    return _Clock(steps[0], steps[1:], ends, _seconds_of_test(run, device))


def _seconds_of_test(run: Run, device: Device) -> float:
    half = device.autocast if run.config.precision == "auto" else None
    network = build(run.spec)
    network.to(device.type, memory_format=torch.channels_last)  # type: ignore[call-overload]
    begun = time.perf_counter()
    classes = len(run.data.labels)
    evaluate(network, run.data.test, statistics(run.data), device, classes, half)
    return time.perf_counter() - begun


def _seconds_of_statistics(data: Dataset) -> float:
    begun = time.perf_counter()
    statistics(data)
    return time.perf_counter() - begun


def _data(request: Request) -> Dataset:
    name, side = request.dataset, request.config.side
    if name not in PUBLISHED:
        return datasets.load(name, side)
    classes = KNOWN[name].classes
    train, test = (_noise(count, side, classes) for count in PUBLISHED[name])
    return Dataset(name, tuple(map(str, range(classes))), train, test, (), "")


def _noise(count: int, side: int, classes: int) -> Split:
    images = torch.randint(256, (count, 3, side, side), dtype=torch.uint8)
    return Split(images, torch.arange(count) % classes)


def _few(data: Dataset, images: int) -> Dataset:
    """The same classes and less of everything."""
    train = Split(data.train.images[:images], data.train.targets[:images])
    test = Split(data.test.images[:TESTED], data.test.targets[:TESTED])
    return replace(data, train=train, test=test)


def _forget_peak(device: Device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    elif CLEAR.exists():
        CLEAR.write_text("5")  # proc(5): the peak is forgotten


def _peak(device: Device) -> tuple[int, int]:
    """Bytes at the peak since it was forgotten, and bytes that are free."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(), torch.cuda.mem_get_info()[0]
    status, machine = Path("/proc/self/status"), Path("/proc/meminfo")
    if not status.exists():  # not Linux
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, 0
    return _kilobytes(status, "VmHWM"), _kilobytes(machine, "MemAvailable")


def _kilobytes(path: Path, name: str) -> int:
    """Bytes under a name in a file of /proc that says kilobytes."""
    lines = path.read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
