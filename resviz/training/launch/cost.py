"""How long trainings will take and how much memory they need, from a few of their own steps, before they begin.

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
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from resviz.errors import TrainingError
from resviz.training.request import Request

PATIENCE = 180.0  # seconds that the trials of one race may take


@dataclass(frozen=True, slots=True)
class Timing:
    """What was measured of one training.

    `start`: seconds until its first step; `step` and `epoch`: of a step, and of all that follows an
    epoch (test split, checkpoints); `steps` of an epoch; `memory`: bytes at the peak, on a GPU its
    own memory; `free`: bytes there now.
    """

    start: float
    step: float
    epoch: float
    steps: int
    memory: int
    free: int
    measured: int  # steps that were made

    def seconds(self, epochs: int) -> float:
        """The whole training; after the last epoch the test split is measured once more."""
        return self.start + epochs * self.steps * self.step + (epochs + 1) * self.epoch


@dataclass(frozen=True, slots=True)
class Estimate:
    """Several trainings, `at_once` of them at a time: seconds in all, bytes at the peak, bytes that are free now."""

    seconds: float
    memory: int
    free: int
    at_once: int
    measured: int


def together(trials: Sequence[Timing], epochs: int, places: int) -> Estimate:
    """What the runs of one race take, as many at once as there are places, the others as places become free."""
    at_once = max(1, min(len(trials), places))
    ends = [0.0] * at_once
    for trial in trials:
        first = ends.index(min(ends))
        ends[first] += trial.seconds(epochs)
    largest = sorted((trial.memory for trial in trials), reverse=True)[:at_once]
    free, measured = min(trial.free for trial in trials), min(trial.measured for trial in trials)
    return Estimate(max(ends), sum(largest), free, at_once, measured)


def trials(requests: Sequence[Request], at_once: int) -> Iterator[Timing | None]:
    """Try each training in turn; None once the process is ready. Raises `TrainingError`.

    `at_once`: how many will run beside each other and share the cores.
    """
    begun = time.monotonic()
    with _process() as child:
        impatience = threading.Timer(PATIENCE, child.kill)
        impatience.start()
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            json.dump(
                {"requests": [request.as_dict() for request in requests], "at_once": at_once},
                child.stdin,
            )
            child.stdin.close()
            ready, found = 0.0, 0
            for line in child.stdout:
                told = json.loads(line)
                if "refusal" in told:
                    raise TrainingError("It cannot be tried: {reason}", reason=told["refusal"])
                if "ready" in told:
                    ready = time.monotonic() - begun
                    yield None
                    continue
                found += 1
                yield _read(told, ready)
        finally:
            impatience.cancel()
            child.kill()
    if found < len(requests):
        raise TrainingError(
            "{seconds:.0f} s were not enough to try it; start it, and it says soon how long it takes.",
            seconds=time.monotonic() - begun,
        )


def timing_key(request: Request) -> str:
    """What a trial depends on: not on seeds, nor on how long or how fast the training is to learn."""
    kept = {"batch_size", "augmentation", "side", "side_first", "side_last", "precision", "compile"}
    config = {name: value for name, value in request.config.as_dict().items() if name in kept}
    spec = {
        name: value
        for name, value in request.spec().as_dict().items()
        if name not in ("seed", "init")
    }
    return json.dumps([spec, request.dataset, config, request.record])


def _process() -> "subprocess.Popen[str]":
    package = str(Path(__file__).parents[3])  # of resviz itself, which need not be installed
    paths = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "resviz.training.launch.trial"],
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError as reason:
        raise TrainingError(
            "No process can be started ({reason}); try again later.", reason=reason.strerror
        ) from None


def _read(told: dict[str, Any], ready: float) -> Timing:
    return Timing(
        **{field.name: told[field.name] for field in fields(Timing)}
        | {"start": told["start"] + ready}
    )


def as_line(trial: Timing) -> str:
    """A trial as the process prints it."""
    return json.dumps(asdict(trial))
