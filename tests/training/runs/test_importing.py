"""Runs from other machines: whole ones, damaged ones, foreign ones."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from resviz.errors import TrainingError
from resviz.models import zoo
from resviz.training.launch import start
from resviz.training.launch.start import start_run
from resviz.training.runs import export, reader
from resviz.training.schema import CONFIG, FILE
from tests.training.squares import CONFIG as TRAIN
from tests.training.squares import CPU, MODEL, folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on another machine."""
    place = tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start, "best", lambda: CPU)
        run, events = start_run(
            MODEL, folder(place / "squares"), TRAIN, place / "far-away", record="full"
        )
        list(events)
    return run.folder


@pytest.fixture
def copy(made: Path, tmp_path: Path, home: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "far-away"))


def test_an_imported_run_is_a_run_like_any_other(copy):
    assert export.take_in(copy) == "far-away"
    here, there = reader.read("far-away"), reader.RunReader(copy)
    assert here.info() == there.info()
    assert here.status == "finished"
    assert (here.norms("block_gradient")[1] == there.norms("block_gradient")[1]).all()
    assert zoo.load("run/far-away").labels == ("green", "red")
    with pytest.raises(TrainingError, match="There is a run far-away here already"):
        export.take_in(copy)


def test_a_run_that_was_running_there_can_be_resumed_here(copy):
    with closing(sqlite3.connect(copy / FILE)) as db, db:
        db.execute("UPDATE kv SET value = '\"running\"' WHERE key = 'status'")
    assert reader.read(export.take_in(copy)).status == "stopped"


def test_only_the_files_of_a_run_come_along_and_no_links(copy, tmp_path):
    (copy / "virus.exe").write_text("boo")
    (tmp_path / "secret").write_text("s")
    (copy / "checkpoint-epoch-9.safetensors").symlink_to(tmp_path / "secret")
    name = export.take_in(copy)
    found = {path.name for path in (reader.runs_folder() / name).iterdir()}
    assert "virus.exe" not in found
    assert "checkpoint-epoch-9.safetensors" not in found
    assert "checkpoint-epoch-1.safetensors" in found


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE norms SET weight = x'00' WHERE step = 1",
        "DROP TABLE epoch",
        "CREATE VIEW trap AS SELECT * FROM kv",
        "CREATE TRIGGER trap AFTER INSERT ON kv BEGIN DELETE FROM step; END",
        "UPDATE kv SET value = '99' WHERE key = 'version'",
        "UPDATE kv SET value = '{' WHERE key = 'model'",
    ],
)
def test_records_that_are_not_ours_are_refused(copy, sql):
    with closing(sqlite3.connect(copy / FILE)) as db, db:
        db.execute(sql)
    with pytest.raises(TrainingError, match="is damaged or of another program"):
        export.take_in(copy)
    assert reader.runs() == ()


def test_damaged_files_are_refused(copy):
    whole = (copy / FILE).read_bytes()
    for damage in (b"", whole[: len(whole) // 2], b"x" * 9000):
        (copy / FILE).write_bytes(damage)
        with pytest.raises(TrainingError, match="is damaged or of another program"):
            export.take_in(copy)
    (copy / FILE).write_bytes(whole)
    (copy / "model.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(TrainingError, match="damaged"):
        export.take_in(copy)
    (copy / CONFIG).write_text('{"request": {"model": "new/plain-8", "colour": "red"}}')
    with pytest.raises(TrainingError, match="no training that resviz knows"):
        export.take_in(copy)


def test_what_is_no_run_is_refused(tmp_path, home):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file", tmp_path / "nowhere"):
        with pytest.raises(TrainingError, match="is no folder of a run"):
            export.take_in(path)
