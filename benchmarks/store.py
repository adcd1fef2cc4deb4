"""The records of a run.

How many steps a second are written, and how long the newest take to read.
"""

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Result
from resviz.training.events import Step
from resviz.training.runs.reader import RunReader
from resviz.training.runs.writer import RunWriter

LAYERS, STEPS = 110, 10_000


def run() -> list[Result]:
    """110 layers, 10,000 steps, one quantity; the times are CPU time."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        seconds = _written(folder)
        record = RunReader(folder)
        size = (folder / "run.sqlite").stat().st_size
        curves, heat = (
            _median(ask) for ask in (record.scalars, lambda: record.norms("weight_gradient"))
        )
        tail = _median(record.info)
    return [
        Result(
            f"writing {STEPS:,} steps of {LAYERS} layers",
            1e6 * seconds / STEPS,
            1e6 / 15_000,
            "us a step",
        ),
        Result("where a run stands: status and last step", 1e3 * tail, 1.0, "ms"),
        Result("1,000 of 10,000 steps: loss, accuracy, rate", 1e3 * curves, 10.0, "ms"),
        Result("500 of 10,000 steps: 110 layers", 1e3 * heat, 10.0, "ms"),
        Result("size of the file", size / 2**20, 6.0, "MiB"),
    ]


def _written(folder: Path) -> float:
    norms = {"weight_gradient": tuple(float(i) for i in range(LAYERS))}
    steps = [Step(i, STEPS, 0, 1.0, 0.5, 0.1, 0.01, norms) for i in range(STEPS)]
    start = time.process_time()
    with RunWriter(folder) as journal:
        journal.layers({"weighted": [(f"conv{i}", "Conv2d") for i in range(LAYERS)]})
        for step in steps:
            journal.step(step)
    return time.process_time() - start


def _median(ask: object) -> float:
    times = []
    for _ in range(25):
        start = time.process_time()
        ask()  # type: ignore[operator]
        times.append(time.process_time() - start)
    return statistics.median(times)
