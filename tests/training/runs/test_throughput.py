"""The pace against a case worked by hand, and the presets against the paper."""

from pathlib import Path

import pytest

from resviz.training.events import Step
from resviz.training.runs import reader, writer
from resviz.training.runs.naming import write_config
from resviz.training.runs.throughput import throughput
from resviz.training.runs.writer import RunWriter


@pytest.fixture
def folder(home: Path) -> Path:
    found = home / "runs" / "a"
    found.mkdir(parents=True)
    write_config(found, {"config": {"batch_size": 64}})
    return found


def test_the_pace_is_that_of_the_last_twenty_seconds(folder, monkeypatch):
    with RunWriter(folder) as journal:
        journal.note(steps=1000)
        for i in range(100):  # two seconds a step at first, then half a second
            now = 2.0 * i if i < 50 else 100 + 0.5 * (i - 50)
            monkeypatch.setattr(writer.time, "time", lambda now=now: 1e9 + now)
            journal._pending.append(Step(i, 1000, 0, 1.0, 0.5, 0.1, 0.1))
            journal.flush()
    found = throughput(reader.read("a"))
    assert found.images_per_second == pytest.approx(64 * 2)
    assert found.seconds_left == pytest.approx(900 / 2)


def test_a_resumed_run_has_no_pace_until_it_has_made_two_new_steps(folder, monkeypatch):
    def step(journal: RunWriter, i: int, now: float) -> None:
        monkeypatch.setattr(writer.time, "time", lambda: now)
        journal.step(Step(i, 1000, 0, 1.0, 0.5, 0.1, 0.1))
        journal.flush()

    with RunWriter(folder) as journal:
        journal.note(steps=1000)
        for i in range(4):
            step(journal, i, 1e9 + i)
        assert throughput(reader.read("a")).images_per_second == pytest.approx(64)
        journal.note(queued=1e9 + 10)
        assert throughput(reader.read("a")).seconds_left is None
        step(journal, 4, 1e9 + 14)
        assert throughput(reader.read("a")).seconds_left is None
        step(journal, 5, 1e9 + 14.5)
    assert throughput(reader.read("a")).images_per_second == pytest.approx(128), (
        "nothing of before the resume"
    )


def test_nothing_is_said_before_two_moments_are_known(folder):
    with RunWriter(folder) as journal:
        journal.note(steps=1000)
        assert throughput(reader.read("a")).seconds_left is None
        journal.step(Step(0, 1000, 0, 1.0, 0.5, 0.1, 0.1))
        journal.flush()
        assert throughput(reader.read("a")).images_per_second is None
