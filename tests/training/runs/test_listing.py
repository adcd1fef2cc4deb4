"""The list of runs follows every change, and reads nothing again that has not changed."""

import os
import time
from pathlib import Path

import pytest

from resviz.errors import TrainingError
from resviz.training.runs import listing, lock, reader
from resviz.training.runs.naming import write_config
from resviz.training.runs.writer import RunWriter
from resviz.training.schema import CONFIG, FILE


@pytest.fixture
def run(home: Path) -> Path:
    """A run that was finished a minute ago."""
    folder = home / "runs" / "a"
    folder.mkdir(parents=True)
    with RunWriter(folder) as writer:
        writer.note(model="new/plain-8", status="finished", steps=5)
    write_config(folder, {"model": "new/plain-8"})
    age(folder)
    return folder


def age(folder: Path) -> None:
    before = time.time() - 60
    for path in folder.iterdir():
        os.utime(path, (before, before))


def test_what_has_not_changed_is_read_once(run):
    asked = []
    for _ in range(3):
        assert listing.listed(run.parent, lambda folder: asked.append(folder) or "x") == {"a": "x"}
    assert asked == [run]


def test_what_has_changed_just_now_is_read_again(run):
    (run / CONFIG).touch()
    asked = []
    for _ in range(3):
        listing.listed(run.parent, lambda folder: asked.append(folder) or "x")
    assert len(asked) == 3, "it may change again within the grain of the clock"


def test_a_note_a_lock_and_a_deletion_are_seen(run):
    assert reader.runs()[0].status == "finished"
    with RunWriter(run) as writer:
        writer.note(status="running")
    age(run)
    assert reader.runs()[0].status == "crashed"
    held = lock.hold(run)
    assert reader.runs()[0].status == "running"
    lock.release(held)
    assert reader.runs()[0].status == "crashed"
    (run / FILE).unlink()
    assert reader.runs() == ()


def test_a_run_that_cannot_be_read_is_left_out_with_the_reason(run):
    (run / CONFIG).unlink()
    assert reader.runs() == ()
    assert "config.json of a cannot be read" in str(reader.damaged()["a"])
    write_config(run, {"model": "new/plain-8"})
    assert reader.damaged() == {}


def test_a_run_in_the_making_is_not_yet_called_damaged(home):
    folder = home / "runs" / "b"
    folder.mkdir(parents=True)
    (folder / FILE).touch()
    assert (reader.runs(), reader.damaged()) == ((), {})
    age(folder)
    assert isinstance(reader.damaged()["b"], TrainingError)


def test_a_run_that_is_being_copied_is_not_listed(run):
    run.rename(run.with_name(".a.part"))
    assert (reader.runs(), reader.damaged()) == ((), {})
