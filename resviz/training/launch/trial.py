"""A training in miniature, `python -m resviz.training.trial`: two epochs of a few steps each with all that belongs to
them (records, test split, checkpoints), timed. Reads one JSON object, prints a line for each
training.

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
from resviz.training.engine.augmentation import Batches
from resviz.training.events import EpochEnd
from resviz.training.launch import worker
from resviz.training.launch.cost import Timing, as_line
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
    told = json.load(sys.stdin)
    print(json.dumps({"ready": True}), flush=True)
    for values in told["requests"]:
        try:
            print(as_line(tried(Request.from_dict(values), told["at_once"])), flush=True)
        except ResvizError as refusal:
            print(json.dumps({"refusal": str(refusal)}), flush=True)
            return


def tried(request: Request, at_once: int = 1) -> Timing:
    """Try one training, on the cores that are left for each of `at_once`."""
    begun, device = time.perf_counter(), best()
    _forget_peak(device)
    data = _data(request)
    counted = time.perf_counter()
    pixels = statistics(data)
    counting = time.perf_counter() - counted
    images, targets = data.train.images, data.train.targets
    batches = Batches(
        images, targets, request.config, *pixels, device=device.type
    )  # as large as in the training
    small = _few(data, request.config.batch_size * STEPS)
    with tempfile.TemporaryDirectory() as folder:
        config = replace(
            request.config, epochs=EPOCHS, recalibration=0, lr=0.0
        )  # it cannot diverge
        asked = replace(request, config=config)
        run = Run(Path(folder) / "trial", asked, small)
        torch.set_num_threads(measured(run, device, max(1, cores() // at_once)))
        start = time.perf_counter() - begun
        clock = _timed(run, device)
    step, tests = median(clock.steps), len(data.test) / len(small.test)
    epoch = max(
        min(clock.ends) + clock.test * (tests - 1) + 2 * counting, 0.0
    )  # two files of weights, each with them
    memory, free = _peak(device)
    return Timing(
        start + max(clock.first - step, 0.0),
        step,
        epoch,
        len(batches),
        memory,
        free,
        len(clock.steps),
    )


@dataclass(frozen=True, slots=True)
class _Clock:
    """Seconds until the first step was done, of single steps, of what followed each epoch, of the test split alone."""

    first: float
    steps: list[float]
    ends: list[float]
    test: float


def _timed(run: Run, device: Device) -> _Clock:
    steps, ends, before = list[float](), list[float](), time.perf_counter()
    for event in worker.events(run, device):
        now = time.perf_counter()
        (ends if isinstance(event, EpochEnd) else steps).append(now - before)
        before = now
    return _Clock(steps[0], steps[1:], ends, _testing(run, device))


def _testing(run: Run, device: Device) -> float:
    """Seconds of the test split."""
    from resviz.models.architectures.resnet import build
    from resviz.training.engine.evaluation import evaluate

    half = device.autocast if run.config.precision == "auto" else None
    network = build(run.spec).to(device.type, memory_format=torch.channels_last)  # type: ignore[call-overload]
    begun = time.perf_counter()
    evaluate(network, run.data.test, statistics(run.data), device, len(run.data.labels), half)
    return time.perf_counter() - begun


def _data(request: Request) -> Dataset:
    if request.dataset not in PUBLISHED:
        return datasets.load(request.dataset, request.config.side)
    classes, side = KNOWN[request.dataset].classes, request.config.side
    train, test = (_noise(count, side, classes) for count in PUBLISHED[request.dataset])
    return Dataset(request.dataset, tuple(map(str, range(classes))), train, test, (), "")


def _noise(count: int, side: int, classes: int) -> Split:
    return Split(
        torch.randint(256, (count, 3, side, side), dtype=torch.uint8), torch.arange(count) % classes
    )


def _few(data: Dataset, images: int) -> Dataset:
    """The same classes and less of everything."""
    train = Split(data.train.images[:images], data.train.targets[:images])
    return replace(
        data, train=train, test=Split(data.test.images[:TESTED], data.test.targets[:TESTED])
    )


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
    line = next(line for line in path.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
