"""How long trainings take and how much memory they need, from a few of their own steps beforehand.

The steps are made in a process of their own (`trial`), as the training will be: what that process
takes at its peak is what the training will take. Nothing here imports torch.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from resviz.errors import TrainingError
from resviz.training.request import Request

PATIENCE = 180.0  # seconds that the timing runs of one race may take

# what the time of a step depends on: not how long the training is, nor how fast it is to learn
_TELLING = {
    "batch_size",
    "augmentation",
    "side",
    "side_first",
    "side_last",
    "precision",
    "compile",
}


@dataclass(frozen=True, slots=True)
class Timing:
    """What was measured of one training, in seconds and bytes."""

    start: float  # until its first step
    step: float
    epoch: float  # all that follows an epoch: test split, checkpoints
    steps: int  # of an epoch
    memory: int  # at the peak; on a GPU its own memory
    free: int  # there, now
    measured: int  # steps that were made

    def seconds(self, epochs: int) -> float:
        """Add up the whole training; after the last epoch the test split is measured once more."""
        return self.start + epochs * self.steps * self.step + (epochs + 1) * self.epoch


@dataclass(frozen=True, slots=True)
class Estimate:
    """Several trainings: seconds in all, and bytes, of which `free` are there now."""

    seconds: float
    memory: int  # at the peak
    free: int
    at_once: int  # how many of them run at a time
    measured: int


def together(timings: Sequence[Timing], epochs: int, places: int) -> Estimate:
    """Estimate a race: as many runs at once as there are places, the others in their turn."""
    at_once = max(1, min(len(timings), places))
    ends = [0.0] * at_once
    for timing in timings:
        first_free = ends.index(min(ends))
        ends[first_free] += timing.seconds(epochs)
    # at worst the largest of them run together
    largest = sorted((timing.memory for timing in timings), reverse=True)[:at_once]
    free = min(timing.free for timing in timings)
    measured = min(timing.measured for timing in timings)
    return Estimate(max(ends), sum(largest), free, at_once, measured)


def timing_runs(requests: Sequence[Request], at_once: int) -> Iterator[Timing | None]:
    """Time each training in turn; yield None once the process is ready. Raises `TrainingError`.

    `at_once`: how many will run beside each other and share the cores.
    """
    begun, ready, count = time.monotonic(), 0.0, 0
    with _process() as child:
        for answer in _answers(child, requests, at_once):
            if "refusal" in answer:
                raise TrainingError("It cannot be tried: {reason}", reason=answer["refusal"])
            # importing torch is part of the start, and not of any one training
            if "ready" in answer:
                ready = time.monotonic() - begun
                yield None
                continue
            count += 1
            yield _timing(answer, ready)
    if count < len(requests):
        raise TrainingError(
            "{seconds:.0f} s were not enough to try it; start it, "
            "and it says soon how long it takes.",
            seconds=time.monotonic() - begun,
        )


def timing_key(request: Request) -> str:
    """What a timing depends on: not on seeds, nor on how long or how fast the training is."""
    config = {name: v for name, v in request.config.as_dict().items() if name in _TELLING}
    spec = request.spec().as_dict()
    # other random weights take the same time
    network = {name: value for name, value in spec.items() if name not in ("seed", "init")}
    return json.dumps([network, request.dataset, config, request.record])


def _answers(
    child: "subprocess.Popen[str]", requests: Sequence[Request], at_once: int
) -> Iterator[dict[str, Any]]:
    assert child.stdin is not None
    assert child.stdout is not None
    question = {"requests": [request.as_dict() for request in requests], "at_once": at_once}
    json.dump(question, child.stdin)
    child.stdin.close()
    for line in child.stdout:
        yield json.loads(line)


def environment(**more: str) -> dict[str, str]:
    """The environment of a new process that imports resviz, and what is added to it."""
    package = Path(__file__).parents[3]  # which need not be installed
    paths = filter(None, (str(package), os.environ.get("PYTHONPATH")))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **more}


@contextmanager
def _process() -> Iterator["subprocess.Popen[str]"]:
    """A process that times trainings; it ends with the context, or after `PATIENCE`."""
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", "resviz.training.launch.trial"],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError as reason:
        raise TrainingError(
            "No process can be started ({reason}); try again later.", reason=reason.strerror
        ) from None
    impatience = threading.Timer(PATIENCE, child.kill)
    impatience.start()
    with child:
        try:
            yield child
        finally:
            impatience.cancel()
            child.kill()


def _timing(answer: dict[str, Any], ready: float) -> Timing:
    values = {field.name: answer[field.name] for field in fields(Timing)}
    return Timing(**{**values, "start": answer["start"] + ready})


def as_line(timing: Timing) -> str:
    """A timing as the process prints it."""
    return json.dumps(asdict(timing))
