"""What is written is committed together or not at all, and is a sentence where it cannot be."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from resviz.errors import TrainingError
from resviz.training.events import Step
from resviz.training.runs import reader
from resviz.training.runs.writer import RunWriter
from resviz.training.schema import FILE, SINCE, statements
from tests.training.runs.recorded import LAYERS, step, write


def test_a_step_that_is_done_again_replaces_itself(folder):
    write(folder, range(20))
    write(folder, range(15, 30))
    assert reader.read("a").scalars()["step"].tolist() == list(range(30))
    assert reader.read("a").norms("weight")[0].tolist() == list(range(30))


def test_a_finished_run_is_one_file_without_a_log_beside_it(folder):
    write(folder, range(20))
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_a_deleted_folder_stops_the_journal_with_a_sentence(folder):
    journal = RunWriter(folder)
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(TrainingError, match="was deleted while the run was going on"):
        journal.note(status="running")
    with pytest.raises(TrainingError, match="was deleted"):
        journal.close()


def test_a_full_disk_is_a_sentence_and_what_was_committed_stays(folder):
    journal = RunWriter(folder)
    journal.layers(LAYERS)
    journal.step(step(0))
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count={pages + 2}")
    journal._pending.extend(step(i) for i in range(1, 2000))
    with pytest.raises(TrainingError, match=r"is full\); make room on the disk and resume"):
        journal.flush()
    journal._pending.clear()
    journal.close()
    assert reader.read("a").scalars()["step"].tolist() == [0]


def test_half_of_a_commit_is_none_of_it(folder):
    with RunWriter(folder) as journal:
        journal.layers(LAYERS)
        journal.step(step(0))
        journal.step(step(1))
        broken = Step(2, 9, 0, 0.1, 0.1, 0.1, 0.1, {"weight": ("no number",)})
        journal._pending.append(broken)
        with pytest.raises(ValueError, match="no number"):
            journal.flush()
        assert reader.read("a").scalars()["step"].tolist() == [0]
        journal._pending.pop()
    assert reader.read("a").scalars()["step"].tolist() == [0, 1]


def earlier(folder: Path) -> None:
    """A run as version 1 wrote it: without BatchNorm's beta."""
    write(folder, range(20))
    with closing(sqlite3.connect(folder / FILE)) as db, db:
        for quantity, version in SINCE.items():
            assert version == 2
            db.execute(f"ALTER TABLE batchnorm DROP COLUMN {quantity}")
        db.execute("UPDATE kv SET value = '1' WHERE key = 'version'")


def test_a_run_of_an_earlier_version_goes_on_with_the_new_quantity(folder):
    earlier(folder)
    with RunWriter(folder) as journal:
        later = step(20)
        journal.step(replace(later, norms={**later.norms, "bn_beta": (7.0, 8.0)}))
    steps, values = reader.read("a").norms("bn_beta")
    assert (steps.tolist(), values.tolist()) == ([20], [[7, 8]])
    with (
        closing(sqlite3.connect(":memory:")) as new,
        closing(sqlite3.connect(folder / FILE)) as upgraded,
    ):
        new.executescript(statements())
        tables = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
        assert upgraded.execute(tables).fetchall() == new.execute(tables).fetchall()
