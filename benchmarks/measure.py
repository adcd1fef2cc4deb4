"""Measuring side by side: shuffled rounds, one torch thread, CPU time, median of the ratios.

Beside the candidates runs the reference a second time. It must come out at 1; a run in which it
does not is noise, and is done again or rejected.
"""

import contextlib
import gc
import importlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field

import torch

AGAIN = "(reference again)"
CONTROL = (0.95, 1.05)  # where the reference, measured against itself, must lie
TRIES = 3


@dataclass(frozen=True, slots=True)
class Result:
    """One claim: `ours` must not exceed `goal`; None where the machine was too busy to tell.

    `unit` x: times of the reference.
    """

    what: str
    ours: float | None
    goal: float
    unit: str = "x"
    peers: Mapping[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        if self.ours is None:
            return "noisy: rejected"
        return "ok" if self.ours <= self.goal else "OVER"


def ratios(
    reference: Callable[[], object],
    candidates: Mapping[str, Callable[[], object]],
    rounds: int = 15,
) -> dict[str, float]:
    """Each candidate's CPU time over the reference's; empty if the control failed `TRIES` times."""
    with one_thread():
        for attempt in range(TRIES):
            found = _medians({"": reference, AGAIN: reference, **candidates}, rounds, seed=attempt)
            if CONTROL[0] <= found.pop(AGAIN) <= CONTROL[1]:
                return found
    return {}


def compare(
    what: str,
    goal: float,
    found: Mapping[str, float],
    ours: str = "resviz",
    peers: Mapping[str, str] | None = None,
) -> Result:
    """Make a row of what `ratios` measured; `peers` maps names shown to those of candidates."""
    shown = {name: found[key] for name, key in (peers or {}).items() if key in found}
    return Result(what, found.get(ours), goal, peers=shown)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread and no garbage collection; both come back."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        torch.set_num_threads(threads)


def elsewhere(module: str, function: str, environment: Mapping[str, str]) -> list[Result]:
    """Run `module.function()` in a process of its own, for what is decided at its start."""
    command = [sys.executable, "-m", "benchmarks.measure", module, function]
    done = subprocess.run(
        command, env={**os.environ, **environment}, check=True, capture_output=True, text=True
    )
    return [Result(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def table(results: list[Result]) -> str:
    """What, ours, goal, verdict, peers, in columns."""
    rows = [("what", "ours", "goal", "", "peers")]
    for result in results:
        peers = ", ".join(
            f"{name} {_number(value, result.unit)}" for name, value in result.peers.items()
        )
        rows.append(
            (
                result.what,
                _number(result.ours, result.unit),
                _number(result.goal, result.unit),
                result.verdict,
                peers,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _medians(runs: Mapping[str, Callable[[], object]], rounds: int, seed: int) -> dict[str, float]:
    """Median over the rounds of each run's time over the first one's in the same round."""
    order, shuffle = list(runs), random.Random(seed).shuffle
    times: dict[str, list[float]] = {name: [] for name in runs}
    for warm_up in (True, *[False] * rounds):
        shuffle(order)
        for name in order:
            seconds = _seconds(runs[name])
            if not warm_up:
                times[name].append(seconds)
    reference = times.pop("")
    return {
        name: statistics.median(t / r for t, r in zip(taken, reference, strict=True))
        for name, taken in times.items()
    }


def _seconds(run: Callable[[], object]) -> float:
    """Measure the CPU time of a call; garbage goes before, results after the clock has stopped."""
    gc.collect(0)
    start = time.process_time()
    result = run()
    seconds = time.process_time() - start
    del result
    return seconds


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return (
        f"{value:.3f}"
        if unit == "x" and value < 0.1
        else f"{value:.2f}" + ("" if unit == "x" else f" {unit}")
    )


if __name__ == "__main__":
    results = getattr(importlib.import_module(sys.argv[1]), sys.argv[2])()
    print(json.dumps([asdict(result) for result in results]))
