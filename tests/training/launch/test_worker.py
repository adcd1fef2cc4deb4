"""A run that was interrupted, however and wherever, equals the one that never stopped.

Every record, every bit.
"""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from resviz.errors import TrainingError
from resviz.models.weights.safe_load import load as tensors
from resviz.training.engine import checkpoint
from resviz.training.engine.trainer import Training
from resviz.training.events import EpochEnd, Step
from resviz.training.launch import queue, start
from resviz.training.launch.queue import _prepare
from resviz.training.launch.start import resume_run
from resviz.training.request import Request
from resviz.training.runs import lock, reader
from resviz.training.runs.writer import RunWriter
from resviz.training.schema import FILE, LAST_WORDS, QUANTITIES, STATE, STOP
from tests.training.squares import CONFIG, CPU, MODEL, folder

ROOT = Path(__file__).parents[3]
REQUEST = Request(
    model=MODEL,
    dataset="",
    config=replace(CONFIG, epochs=2, augmentation="crop", recalibration=8),
    record="full",
    threads=1,
    checkpoint_seconds=0.0,
)


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> str:
    return folder(tmp_path_factory.mktemp("data") / "squares")


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(start, "best", lambda: CPU)


def prepared(squares: str, **changes: object) -> Path:
    """A run that waits in its folder."""
    request = replace(REQUEST, dataset=squares, **changes)
    return reader.runs_folder() / _prepare(request, "", "")


def outcome(run: Path) -> dict[str, object]:
    """All that a run has recorded and learnt but the time that it took."""
    record = reader.RunReader(run)
    scalars = {k: v.tolist() for k, v in record.scalars(None).items() if k not in ("at", "seconds")}
    norms = {q: [a.tolist() for a in record.norms(q, None)] for q in QUANTITIES}
    weights = {name: t.tolist() for name, t in tensors(run / "model.safetensors").items()}
    last = {name: t.tolist() for name, t in checkpoint.load(run / STATE).tensors.items()}
    epochs = {name: values.tolist() for name, values in record.epochs().items()}
    return {"scalars": scalars, "norms": norms, "epochs": epochs, "weights": weights, "state": last}


def uninterrupted(squares: str, **changes: object) -> dict[str, object]:
    run = prepared(squares, **changes)
    list(resume_run(run)[1])
    return outcome(run)


def test_an_interruption_after_any_event_changes_no_bit(squares):
    whole = uninterrupted(squares)
    assert len(whole["scalars"]["step"]) == 8
    for first in range(1, 10):  # four steps, the epoch's end, twice
        run = prepared(squares)
        _, events = resume_run(run)
        for _, _event in zip(range(first), events, strict=False):
            pass
        events.close()
        assert reader.RunReader(run).status == "stopped"
        rest = list(resume_run(run)[1])
        assert len(rest) == 10 - first
        assert outcome(run) == whole


@pytest.mark.parametrize(
    "changes", [{"augmentation": "resized-crop"}, {"momentum": 0.0}, {"precision": "auto"}]
)
def test_every_way_to_train_resumes_to_the_bit(squares, monkeypatch, changes):
    monkeypatch.setattr(start, "best", lambda: replace(CPU, autocast=torch.bfloat16))
    config = replace(REQUEST.config, **changes)
    whole = uninterrupted(squares, config=config)
    run = prepared(squares, config=config)
    for _ in range(5):
        _, events = resume_run(run)
        next(events)
        next(events)
        events.close()
        monkeypatch.setattr(
            start, "best", lambda: CPU
        )  # as if bf16 no longer paid: the precision is kept
    assert list(resume_run(run)[1]) == []  # only the last measurement was missing
    assert outcome(run) == whole


def test_threads_are_kept_on_resume(squares):
    run = prepared(squares, threads=2)
    _, events = resume_run(run)
    next(events)
    events.close()
    torch.set_num_threads(1)
    next(resume_run(run)[1])
    assert torch.get_num_threads() == 2


def test_what_happened_after_the_last_checkpoint_happens_again_just_so(squares):
    whole = uninterrupted(squares)
    run = prepared(squares)
    _, events = resume_run(run)
    for _ in range(3):
        next(events)
    shutil.copy(run / STATE, run / "before")
    for _ in range(4):
        next(events)
    events.close()
    (run / "before").replace(
        run / STATE
    )  # four steps and an epoch's end are recorded, but not in the checkpoint
    list(resume_run(run)[1])
    assert outcome(run) == whole


# ---- killed


def test_a_worker_killed_at_twenty_random_moments_loses_and_doubles_nothing(squares):
    whole = uninterrupted(squares, config=replace(REQUEST.config, epochs=12))
    run = prepared(squares, config=replace(REQUEST.config, epochs=12))
    dice, kills, seen = random.Random(7), 0, {}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.training.victim", str(run)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as victim:
        for attempt in range(100):
            print(file=victim.stdin, flush=True)
            child = int(victim.stdout.readline())
            if kills < 20:
                time.sleep(dice.uniform(0, 0.12 + 0.01 * attempt))
                os.kill(child, signal.SIGKILL)
            ended = int(victim.stdout.readline())
            kills += ended == signal.SIGKILL
            assert ended in (0, signal.SIGKILL)
            rows = reader.RunReader(run).scalars(None)
            now = dict(zip(rows["step"].tolist(), rows["loss"].tolist(), strict=True))
            assert len(now) == len(rows["step"])
            assert seen.items() <= now.items()  # what a reader saw once is there, unchanged
            seen = now
            status = reader.RunReader(run).status
            if status == "finished":
                break
            assert status in ("crashed", "queued")
        victim.stdin.close()
    assert status == "finished"
    assert kills == 20
    assert outcome(run) == whole


# ---- stopped, refused


def test_a_resume_changes_neither_the_start_nor_the_place_in_the_list(squares):
    first, second = prepared(squares), prepared(squares)
    _, events = resume_run(first)
    next(events)
    events.close()
    begun = reader.RunReader(first).info()
    queue._note(first, status="queued", queued=time.time() + 100)  # as `jobs.resume` does
    list(resume_run(first)[1])
    after = reader.RunReader(first).info()
    assert (after.started, after.created) == (begun.started, begun.created)
    assert [info.id for info in reader.runs()][:2] == [second.name, first.name]
    assert reader.RunReader(second).info().started is None


def test_a_run_of_before_keeps_the_place_it_had(squares):
    run = prepared(squares)
    with closing(sqlite3.connect(run / FILE)) as db, db:
        db.execute("DELETE FROM kv WHERE key = 'created'")
        db.execute("UPDATE kv SET value = '12.5' WHERE key = 'queued'")
    assert reader.RunReader(run).info().created == 12.5
    queue._note(run, queued=99.0)
    assert reader.RunReader(run).info().created == 12.5


def test_the_stop_flag_ends_a_run_after_the_step_with_a_checkpoint(squares):
    run = prepared(squares)
    _, events = resume_run(run)
    next(events)
    (run / STOP).touch()
    assert list(events) == []
    assert reader.RunReader(run).status == "stopped"
    assert checkpoint.load(run / STATE).numbers["step"] == 1
    assert len(list(resume_run(run)[1])) == 9  # the flag of another day does not stop it


def test_a_finished_run_has_nothing_left_to_do(squares):
    run = prepared(squares)
    list(resume_run(run)[1])
    with pytest.raises(TrainingError, match="is finished; nothing is left to do"):
        resume_run(run)
    assert reader.RunReader(run).status == "finished"


def test_other_pictures_than_before_are_refused(tmp_path):
    run = prepared(folder(tmp_path / "mine"))
    _, events = resume_run(run)
    next(events)
    events.close()
    next((tmp_path / "mine").glob("train/red/*")).unlink()
    with pytest.raises(TrainingError, match="pictures of mine have changed since"):
        resume_run(run)
    assert "have changed" in reader.RunReader(run).info().message


def test_two_processes_at_one_run_are_refused(squares):
    run = prepared(squares)
    held = lock.hold(run)
    with pytest.raises(TrainingError, match="Another process is at work"):
        resume_run(run)
    lock.release(held)
    assert reader.RunReader(run).status == "queued"


@pytest.mark.parametrize("damage", [b"", b"x" * 5000])
def test_a_damaged_checkpoint_is_one_sentence(squares, damage):
    run = prepared(squares)
    _, events = resume_run(run)
    next(events)
    events.close()
    (run / STATE).write_bytes(damage)
    with pytest.raises(TrainingError, match="is damaged"):
        list(resume_run(run)[1])
    assert reader.RunReader(run).status == "crashed"


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_finite_weights(squares):
    wild = replace(CONFIG, lr=100.0, warmup=0.0, momentum=0.99, epochs=9)
    run = prepared(squares, model=f"{MODEL}&norm=none", config=wild)
    with pytest.raises(TrainingError, match=r"at step \d+ of 36; it began in layer"):
        list(resume_run(run)[1])
    info = reader.RunReader(run).info()
    assert info.status == "stopped"
    assert "it began in" in info.message
    assert info.message.split("step ")[1].split(" ")[0] == str(info.step + 1)
    assert all(t.isfinite().all() for t in checkpoint.load(run / STATE).tensors.values())


def test_a_bug_is_written_down_and_shows(squares, monkeypatch):
    run = prepared(squares)
    monkeypatch.setattr(Training, "_end_epoch", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(resume_run(run)[1])
    assert reader.RunReader(run).status == "crashed"
    assert "ZeroDivisionError" in reader.RunReader(run).info().message


def out_of_memory(monkeypatch: pytest.MonkeyPatch, at: int, above: int) -> None:
    usual = Training._update

    def update(self: Training, lr: float, images: torch.Tensor, targets: torch.Tensor) -> object:
        if self.step == at and len(images) > above:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return usual(self, lr, images, targets)

    monkeypatch.setattr(Training, "_update", update)


def test_a_first_step_that_does_not_fit_is_tried_with_half_the_batch(squares, monkeypatch):
    out_of_memory(monkeypatch, at=0, above=4)
    run = prepared(squares)
    seen = list(resume_run(run)[1])
    assert sum(isinstance(event, Step) for event in seen) == 16
    assert reader.RunReader(run).config["config"]["batch_size"] == 4
    assert reader.RunReader(run).status == "finished"


@pytest.mark.parametrize(("at", "above"), [(0, 0), (5, 0)])
def test_a_full_memory_that_half_the_batch_does_not_help_ends_with_a_sentence(
    squares, monkeypatch, at, above
):
    out_of_memory(monkeypatch, at, above)
    run = prepared(squares)
    with pytest.raises(
        TrainingError, match=f"The memory is full at step {at + 1}; close other programs"
    ):
        list(resume_run(run)[1])
    assert reader.RunReader(run).status == "crashed"
    assert reader.RunReader(run).info().step == at


def test_a_run_deleted_while_it_trains_ends_with_a_sentence(squares):
    run = prepared(squares)
    _, events = resume_run(run)
    next(events)
    shutil.rmtree(run)
    with pytest.raises(TrainingError, match="was deleted while the run was going on"):
        list(events)
    assert not run.exists()


def test_epochs_are_kept_for_looking_back(squares):
    run = prepared(squares)
    ends = [event for event in resume_run(run)[1] if isinstance(event, EpochEnd)]
    assert len(ends) == 2
    names = {path.name for path in run.glob("checkpoint-*")}
    assert names == {f"checkpoint-{n}.safetensors" for n in ("initial", "epoch-1", "epoch-2")}
    first = tensors(run / "checkpoint-initial.safetensors")
    assert not np.array_equal(
        first["conv1.weight"], tensors(run / "checkpoint-epoch-1.safetensors")["conv1.weight"]
    )


def test_a_database_that_takes_nothing_more_does_not_hide_why_the_run_ended(squares, monkeypatch):
    run = prepared(squares)
    _, events = resume_run(run)
    next(events)

    def full(self: RunWriter, *given: object, **more: object) -> None:
        raise TrainingError("a cannot be written (database or disk is full); make room.")

    for name in ("note", "step", "flush"):
        monkeypatch.setattr(RunWriter, name, full)
    with pytest.raises(TrainingError, match="disk is full"):
        list(events)
    info = reader.RunReader(run).info()
    assert (info.status, "is full" in info.message) == ("crashed", True)
    monkeypatch.undo()
    monkeypatch.setattr(start, "best", lambda: CPU)
    list(resume_run(run)[1])
    assert reader.RunReader(run).status == "finished"
    assert not (run / LAST_WORDS).exists()


def test_what_a_killed_worker_left_half_written_is_removed_by_the_next(squares):
    run = prepared(squares)
    left = [run / ".state.safetensors.7.7.part", run / "model.safetensors.7.part"]
    for path in left:
        path.write_bytes(b"half")
    list(resume_run(run)[1])
    assert not any(path.exists() for path in left)
