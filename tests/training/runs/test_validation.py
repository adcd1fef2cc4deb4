"""Nonsense in a run's files is refused at import, and leaves the run out where it lies already."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from resviz.errors import TrainingError
from resviz.training.launch import start
from resviz.training.launch.start import start_run
from resviz.training.runs import importing, reader
from resviz.training.runs.validation import MOST_STEPS
from resviz.training.schema import CONFIG, FILE
from tests.training.squares import CONFIG as TRAIN
from tests.training.squares import CPU, MODEL, folder

DEEP = "[" * 50_000 + "]" * 50_000
NOTES = {
    "steps": ["null", '"many"', "-1", "1.5", str(MOST_STEPS + 1)],
    "status": ['"dancing"', "null", "3"],
    "model": ['"new/<b>x</b>"', '"torchvision/resnet18"', "7", '"new/plain-9"'],
    "dataset": ["5", "null"],
    "started": ["Infinity", '"today"', "-1"],
    "queued": ["NaN", "1e300"],
    "message": ["[1]", DEEP],
    "batchnorm_every": ["0", "null"],
    "skipped": ["3", "[-1]", '["x"]'],
    "version": ["0", "99"],
    "nothing of ours": [DEEP, "{", '"' + "x" * 2_000_000 + '"'],
}
CONFIGS = [
    {"config": {"epochs": "many"}},
    {"config": {"epochs": 0}},
    {"config": {"lr": None}},
    {"config": {"colour": "red"}},
    {"config": 3},
    {"dataset": 5},
    {"dataset": {"name": 5}},
    {"model": "new/<b>x</b>"},
    {"request": {"model": "new/plain-8", "dataset": 5, "config": {}}},
    {"request": {"model": "new/<i>", "dataset": "digits", "config": {}}},
    {"threads": "all"},
]
ROWS = [
    "UPDATE layer SET name = NULL",
    "UPDATE layer SET name = x'00' WHERE i = 1",
    "DELETE FROM layer WHERE i = 0",
    "UPDATE step SET loss = 'low' WHERE step = 1",
    "UPDATE step SET at = 9e999 WHERE step = 1",
    "UPDATE step SET epoch = NULL",
    "UPDATE step SET lr = NULL WHERE step = 2",
    "UPDATE epoch SET test_loss = 'x'",
    "INSERT INTO epoch VALUES (-4, 0, 0, 0, 0)",
    "INSERT INTO step VALUES (9223372036854775807, 0, 1, 1, 1, 1, 1)",
    "INSERT INTO step VALUES (-5, 0, 1, 1, 1, 1, 1)",
    "INSERT INTO norms (step, weight) VALUES (9223372036854775807, x'0000')",
    "UPDATE norms SET weight = 'text'",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start, "best", lambda: CPU)
        run, events = start_run(
            MODEL, folder(place / "squares"), TRAIN, place / "far", record="full"
        )
        list(events)
    return run.folder


@pytest.fixture
def copy(made: Path, tmp_path: Path, home: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "far"))


def spoil(run: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(run / FILE)) as db, db:
        db.execute(sql, values)


def spoil_config(run: Path, change: dict) -> None:
    path = run / CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))


def assert_refused(run: Path, home: Path) -> None:
    """Neither imported nor listed; what is said about it is one short line."""
    with pytest.raises(TrainingError, match="is damaged or of another program") as caught:
        importing.take_in(run)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert not list((home / "runs").glob("*/*"))


@pytest.mark.parametrize(("key", "text"), [(k, t) for k, texts in NOTES.items() for t in texts])
def test_a_note_that_makes_no_sense_is_refused_and_leaves_the_run_out(copy, home, key, text):
    spoil(copy, "INSERT OR REPLACE INTO kv VALUES (?, ?)", key, text)
    assert_refused(copy, home)
    shutil.copytree(copy, home / "runs" / "a")
    assert reader.runs() == ()
    with pytest.raises(TrainingError, match="are damaged"):
        reader.read("a").info()


@pytest.mark.parametrize("change", CONFIGS, ids=str)
def test_settings_that_make_no_sense_are_refused_and_leave_the_run_out(copy, home, change):
    spoil_config(copy, change)
    assert_refused(copy, home)
    shutil.copytree(copy, home / "runs" / "a")
    assert reader.runs() == ()
    with pytest.raises(TrainingError, match="cannot be read"):
        _ = reader.read("a").config


@pytest.mark.parametrize("text", [DEEP, '{"config": ' * 5000, "[]", "3", "", " " * 2_000_000, "\0"])
def test_a_file_of_settings_that_is_none_is_refused(copy, home, text):
    (copy / CONFIG).write_text(text)
    assert_refused(copy, home)


@pytest.mark.parametrize("sql", ROWS)
def test_rows_that_make_no_sense_are_refused(copy, home, sql):
    spoil(copy, sql)
    assert_refused(copy, home)


def test_a_loss_that_was_no_number_is_read_as_such(copy):
    spoil(copy, "UPDATE step SET loss = NULL WHERE step = 1")
    loss = reader.RunReader(copy).scalars()["loss"]
    assert loss[1] != loss[1]
    assert importing.take_in(copy) == "far"


def test_a_run_that_makes_sense_is_imported(copy):
    assert importing.take_in(copy) == "far"
    assert [info.id for info in reader.runs()] == ["far"]
    assert reader.damaged() == {}
