"""How many threads a training runs on, decided by a few of its own steps.

More is not always faster: on shared virtual machines two OpenMP threads were seen to take 10 to 20
times as long as one, whenever a core is taken away while the others wait for it.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import torch

from resviz.device import Device, cores
from resviz.models.architectures.resnet import build
from resviz.training.engine.trainer import Training
from resviz.training.events import Step
from resviz.training.runs import reader
from resviz.training.runs.folder import Run, statistics

STEPS = 3  # of which the first warms up
GAIN = 1.1  # more threads must be that much faster, or fewer are taken


def measured(run: Run, device: Device, most: int | None = None) -> int:
    """Find the number of threads that trains this run fastest, of at most `most`."""
    if device.type != "cpu":
        return torch.get_num_threads()
    # runs beside each other share the cores
    counts = candidates(most or share())
    if len(counts) == 1:
        return 1
    # an epoch has a step at least, so that these are epochs enough
    long = replace(run.config, epochs=len(counts) * STEPS, compile=False)
    training = Training(build(run.spec), run.data, long, device, statistics(run.data))
    steps = (event for event in training.events() if isinstance(event, Step))
    return fastest(lambda: next(steps), counts)


def share() -> int:
    """The cores that are left for one of the runs that are at work now."""
    running = sum(info.status == "running" for info in reader.runs())
    return max(1, cores() // max(1, running))


def candidates(most: int) -> tuple[int, ...]:
    """1, 2, 4 and so on, and `most` itself."""
    powers = (2**i for i in range(most.bit_length()))
    return (*(power for power in powers if power < most), most)


def fastest(step: Callable[[], object], counts: Iterable[int]) -> int:
    """Find the count with the shortest step; torch is left with it."""
    best, shortest = 1, float("inf")
    for count in counts:
        torch.set_num_threads(count)
        # the shortest of a few: what else the machine does only makes a step longer
        seconds = min(_seconds(step) for _ in range(STEPS))
        if seconds * GAIN < shortest or shortest == float("inf"):
            best, shortest = count, seconds
    torch.set_num_threads(best)
    return best


def _seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start
