"""`resviz runs ...` and `resviz train --run`: the facts of the records, or one sentence."""

import json
import time
from datetime import datetime
from pathlib import Path

import pytest

from resviz import cli
from resviz.training.launch import queue, start
from resviz.training.launch.start import start_run
from resviz.training.runs import reader
from tests.training.squares import CONFIG, CPU, MODEL, folder


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """On the CPU, and no process is started."""
    monkeypatch.setattr(start, "best", lambda: CPU)
    monkeypatch.setattr(queue, "_launch", lambda folder: None)


@pytest.fixture
def run(tmp_path: Path) -> str:
    """A run that was stopped after five events."""
    made, events = start_run(MODEL, folder(tmp_path / "squares"), CONFIG, record="full")
    for _ in range(5):
        next(events)
    events.close()
    return made.name


@pytest.fixture
def ask(capsys):
    def run(*arguments: str) -> dict:
        assert cli.main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_runs_are_listed_with_their_progress(ask, run):
    (listed,) = ask("runs")["runs"]
    assert ask("runs", "list")["runs"] == [listed]
    assert (listed["id"], listed["status"], listed["step"], listed["steps"]) == (
        run,
        "stopped",
        4,
        12,
    )
    assert listed["model"] == MODEL
    assert listed["dataset"] == "squares"
    assert abs(datetime.fromisoformat(listed["started"]).timestamp() - time.time()) < 600


def test_a_run_is_shown_with_all_that_repeats_it(ask, run):
    shown = ask("runs", "show", run)
    assert shown["config"] == reader.read(run).config
    assert shown["config"]["request"]["record"] == "full"
    assert shown["recorded"][0] == "weight_gradient"
    (epoch,) = shown["epochs"]
    assert epoch["epoch"] == 0
    assert epoch["test_loss"] == reader.read(run).epochs()["test_loss"][0]


def test_a_stopped_run_goes_on_in_the_foreground(ask, run):
    found = ask("train", "--run", run)
    assert (found["run"], found["status"], found["metrics"]["epoch"]) == (run, "finished", 2)
    assert ask("runs")["runs"][0]["step"] == 12


def test_resume_queues_stop_unqueues_and_delete_deletes(ask, run):
    assert ask("runs", "resume", run)["status"] == "queued"
    assert ask("runs", "stop", run)["status"] == "stopped"
    assert ask("runs", "delete", run, "--yes")["status"] == "deleted"
    assert ask("runs")["runs"] == []


def test_an_exported_run_folder_comes_back(ask, run, tmp_path):
    files = ask("runs", "export", run, "--out", str(tmp_path / "csv"))["files"]
    assert len((tmp_path / "csv" / "steps.csv").read_text().splitlines()) == 1 + 4
    assert str(tmp_path / "csv" / "block_gradient.csv") in files
    (reader.runs_folder() / run).rename(tmp_path / run)
    assert ask("runs")["runs"] == []
    assert ask("runs", "import", str(tmp_path / run)) == {"run": run, "status": "stopped"}
    assert ask("train", "--run", run)["status"] == "finished"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("runs show", "Say which run to show"),
        ("runs show nothing", "There is no run 'nothing'"),
        ("runs show ../x", "There is no run '../x'"),
        ("runs stop {run}", "is stopped; there is nothing to stop"),
        ("runs delete {run}", "would be deleted with all that it learnt; add --yes"),
        ("runs export {run}", "Say where the files go with --out"),
        ("runs export {run} --format gif --out x", "invalid choice: 'gif'"),
        ("runs dance {run}", "invalid choice: 'dance'"),
        ("runs import /nowhere", "is no folder of a run"),
        ("train --run nothing", "There is no run 'nothing'"),
        ("train --run {run} --epochs 9", "leave out --epochs or --run"),
        ("train --run {run} --batch-size 9", "leave out --batch-size or --run"),
        ("train --run {run} --compile", "leave out --compile or --run"),
        ("train --model new/residual-8", "Say what to train on with --dataset"),
        (
            "train --model new/residual-8 --dataset digits --record all",
            "one of off, light, full, got 'all'",
        ),
    ],
)
def test_what_cannot_be_is_one_line(capsys, run, arguments, says):
    assert cli.main(arguments.format(run=run).split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("resviz: ")
    assert err.count("\n") == 1
    assert says in err


def test_text_is_for_people(capsys, run):
    assert cli.main(["runs"]) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split()[:4] == ["id", "model", "dataset", "status"]
    assert line.split()[:4] == [run, MODEL, "squares", "stopped"]
