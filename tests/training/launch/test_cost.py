"""What is said before a training begins, against cases worked by hand and against a training that
really ran.
"""

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resviz.errors import TrainingError
from resviz.training.config import TrainConfig
from resviz.training.launch import cost, queue
from resviz.training.launch.cost import Timing, timing_key, timing_runs, together
from resviz.training.request import Request
from resviz.training.runs import reader

SLOW, QUICK = (
    Timing(4.0, step, 2.0, 10, memory, 9, 8) for step, memory in ((1.0, 500), (0.1, 300))
)
REQUEST = Request(
    model="new/residual-20",
    dataset="digits",
    config=TrainConfig(epochs=2, batch_size=64, lr=0.1, side=8, augmentation="none"),
    threads=1,
)


def test_a_training_takes_its_start_its_steps_and_what_follows_each_epoch():
    assert SLOW.seconds(5) == 4 + 5 * 10 * 1.0 + 6 * 2.0


def test_a_race_takes_as_long_as_its_slowest_run_where_all_have_a_place():
    found = together([SLOW, QUICK], 5, 2)
    assert (found.seconds, found.memory, found.at_once) == (SLOW.seconds(5), 800, 2)


def test_runs_wait_for_each_other_where_there_are_fewer_places():
    assert together([SLOW, QUICK], 5, 1).seconds == SLOW.seconds(5) + QUICK.seconds(5)
    assert together([SLOW, QUICK], 5, 1).memory == 500
    three = together([SLOW, QUICK, QUICK], 5, 2)
    assert three.seconds == max(SLOW.seconds(5), 2 * QUICK.seconds(5))
    assert three.memory == 800


def test_a_trial_serves_all_seeds_rates_and_lengths_and_no_other_network_or_batch():
    longer = replace(REQUEST, config=replace(REQUEST.config, epochs=100, lr=0.3, seed=7))
    assert (
        timing_key(longer)
        == timing_key(REQUEST)
        == timing_key(replace(REQUEST, model="new/residual-20?seed=3"))
    )
    others = [
        replace(REQUEST, model="new/residual-20?norm=none"),
        replace(REQUEST, record="off"),
        replace(REQUEST, config=replace(REQUEST.config, batch_size=32)),
    ]
    assert len({timing_key(other) for other in [REQUEST, *others]}) == 4


def _really_run(request: Request) -> tuple[float, int]:
    """Seconds and peak bytes of the training itself, in its own process."""
    begun, peak = time.monotonic(), 0
    (name,) = queue.start([request])
    child = queue._children[-1]
    while child.poll() is None:
        status = Path(f"/proc/{child.pid}/status").read_text()
        peak = max(
            [
                peak,
                *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")),
            ]
        )
        time.sleep(0.05)
    assert reader.read(name).status == "finished"
    return time.monotonic() - begun, peak * 1024


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peaks of other processes are read in /proc"
)
def test_the_estimate_is_within_a_factor_of_two_of_the_training_itself(home: Path):
    found = timing_runs([REQUEST, replace(REQUEST, dataset="folder:nowhere")], 1)
    assert next(found) is None
    tried = next(found)
    assert tried is not None
    with pytest.raises(TrainingError, match=r"It cannot be tried: .*nowhere"):
        next(found)
    seconds, memory = _really_run(REQUEST)
    assert seconds / 2 < tried.seconds(REQUEST.config.epochs) < seconds * 2
    (info,) = reader.runs()
    step = float(np.median(reader.read(info.id).scalars()["seconds"]))
    assert step / 2 < tried.step < step * 2
    assert memory / 1.5 < tried.memory < memory * 1.5
    assert tried.steps == 1437 // 64
    assert tried.free > 0
    assert [path.name for path in (home / "runs").iterdir() if path.is_dir()] == [info.id]


def test_a_trial_that_takes_too_long_is_ended_with_a_sentence(monkeypatch):
    monkeypatch.setattr(cost, "PATIENCE", 0.2)
    with pytest.raises(TrainingError, match="not enough to try it"):
        list(timing_runs([REQUEST], 1))
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
