"""What was written is what is read: while it is written, thinned out, after the end, and from damaged files."""

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resviz.errors import TrainingError
from resviz.training.events import EpochEnd, Evaluation, Step
from resviz.training.runs import lock, reader
from resviz.training.runs.naming import write_config
from resviz.training.runs.writer import RunWriter
from resviz.training.schema import BLOCKS, CONFIG, FILE, QUANTITIES, SINCE, WEIGHTED, statements

LAYERS = {
    "weighted": [("conv1", "Conv2d"), ("layer1.0.conv1", "Conv2d"), ("fc", "Linear")],
    "block": [("layer1.0", "Residual")],
    "residual": [("layer1.0", "Residual")],
    "batchnorm": [("bn1", "BatchNorm2d"), ("layer1.0.bn1", "BatchNorm2d")],
}


def step(i: int) -> Step:
    """Every number of a step is a function of its index."""
    norms = {
        q: tuple(i + 10.0 * k for k in range(len(LAYERS[QUANTITIES[q]])))
        for q in (*WEIGHTED, *BLOCKS)
    }
    if i % 10 == 0:
        norms |= {"bn_gamma": (i / 2, i / 4)}
    return Step(i, 1000, i // 50, 1 / (i + 1), i / 1000, 0.1, 0.01, norms)


@pytest.fixture
def folder(home: Path) -> Path:
    found = home / "runs" / "a"
    found.mkdir(parents=True)
    return found


def write(folder: Path, steps: range, **notes: object) -> None:
    notes = {"model": "new/plain-8", **notes}
    with RunWriter(folder) as journal:
        journal.layers(LAYERS)
        journal.note(**{"status": "finished", "batchnorm_every": 10, "steps": 1000, **notes})
        for i in steps:
            journal.step(step(i))
        journal.epoch(EpochEnd(0, 0.4, 0.8, Evaluation(0.3, 0.9, (1.0,))))


def test_scalars_come_back_as_they_were(folder):
    write(folder, range(60))
    found = reader.read("a").scalars()
    assert found["step"].tolist() == list(range(60))
    assert found["epoch"].tolist() == [i // 50 for i in range(60)]
    assert found["loss"].tolist() == [1 / (i + 1) for i in range(60)]
    assert found["accuracy"].tolist() == [i / 1000 for i in range(60)]
    assert set(found["lr"]) == {0.1}
    assert set(found["seconds"]) == {0.01}
    assert abs(found["at"] - time.time()).max() < 60


@pytest.mark.parametrize("quantity", [*WEIGHTED, *BLOCKS])
def test_norms_come_back_layer_by_layer(folder, quantity):
    write(folder, range(30))
    steps, values = reader.read("a").norms(quantity)
    names = reader.read("a").layers(quantity)
    assert names == tuple(n for n, _ in LAYERS[QUANTITIES[quantity]])
    assert steps.tolist() == list(range(30))
    assert values.dtype == np.float32
    assert values.shape == (30, len(names))
    assert (values == steps[:, None] + 10 * np.arange(len(names))).all()


@pytest.mark.parametrize("most", [1, 7, 10, 99, 100, 500])
def test_long_runs_are_thinned_out_evenly_with_both_ends(folder, most):
    write(folder, range(1000))
    steps, values = reader.read("a").norms("weight", most)
    assert steps[0] == 0
    assert steps[-1] == 999
    assert len(steps) <= most + 2
    assert len(steps) >= min(most, 1000) // 2
    assert (values[:, 0] == steps).all()
    assert len(set(np.diff(steps)[:-1].tolist())) <= 1
    assert reader.read("a").scalars(most)["step"].tolist() == steps.tolist()


@pytest.mark.parametrize("most", [1, 4, 30, 500])
def test_what_is_recorded_at_an_interval_is_thinned_out_by_it(folder, most):
    write(folder, range(1000))
    steps, values = reader.read("a").norms("bn_gamma", most)
    assert steps[0] == 0
    assert steps[-1] == 990
    assert (steps % 10 == 0).all()
    assert min(most, 100) // 2 <= len(steps) <= most + 2
    assert (values == np.stack([steps / 2, steps / 4], 1)).all()


def test_the_first_steps_come_back_without_any_left_out(folder):
    write(folder, range(1000))
    steps, values = reader.read("a").first("weight", 12)
    assert steps.tolist() == list(range(13))
    assert (values[:, 0] == steps).all()
    steps, values = reader.read("a").first("bn_gamma", 20)
    assert steps.tolist() == [0, 10, 20]
    assert values.tolist() == [[0, 0], [5, 2.5], [10, 5]]
    assert reader.read("a").first("bn_mean", 20)[1].shape == (0, 0)


def test_a_quantity_that_was_not_recorded_has_no_layers_and_no_values(folder):
    write(folder, range(3))
    found = reader.read("a")
    assert found.layers("bn_mean") == ()
    steps, values = found.norms("bn_mean")
    assert steps.shape == (0,)
    assert values.shape == (0, 0)
    assert "bn_mean" not in found.quantities()
    assert "bn_gamma" in found.quantities()


def test_an_unknown_quantity_names_the_choices(folder):
    write(folder, range(3))
    for ask in (reader.read("a").layers, reader.read("a").norms):
        with pytest.raises(
            TrainingError, match="There is no quantity 'loudness'; choose from weight_gradient,"
        ):
            ask("loudness")


def test_epochs_come_back(folder):
    write(folder, range(3))
    assert {name: values.tolist() for name, values in reader.read("a").epochs().items()} == {
        "epoch": [0],
        "train_loss": [0.4],
        "train_accuracy": [0.8],
        "test_loss": [0.3],
        "test_accuracy": [0.9],
    }


def test_a_run_that_has_begun_nothing_yet_reads_as_empty(folder):
    RunWriter(folder).close()
    found = reader.read("a")
    assert found.scalars()["step"].shape == (0,)
    assert found.epochs()["epoch"].shape == (0,)
    assert found.info().step == 0
    assert found.quantities() == ()


def test_a_reader_sees_what_is_committed_while_the_writer_writes(folder):
    with RunWriter(folder) as journal:
        journal.layers(LAYERS)
        for i in range(200):
            journal.step(step(i))
            if i == 99:
                journal.flush()
                assert reader.read("a").info().step == 100
                assert len(reader.read("a").scalars()["step"]) == 100
    assert reader.read("a").info().step == 200


def test_a_step_that_is_done_again_replaces_itself(folder):
    write(folder, range(20))
    write(folder, range(15, 30))
    assert reader.read("a").scalars()["step"].tolist() == list(range(30))
    assert reader.read("a").norms("weight")[0].tolist() == list(range(30))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_read(folder):
    write(folder, range(20))
    folder.chmod(0o555)
    try:
        assert len(reader.read("a").scalars()["step"]) == 20
    finally:
        folder.chmod(0o755)


def test_a_finished_run_is_one_file_without_a_log_beside_it(folder):
    write(folder, range(20))
    assert [path.name for path in folder.iterdir()] == [FILE]


# ---- statuses


def test_the_list_has_the_youngest_first_and_all_about_each(home):
    for i, name in enumerate("abc"):
        (home / "runs" / name).mkdir(parents=True)
        write(
            home / "runs" / name,
            range(i),
            queued=float(i),
            model="new/plain-8",
            dataset="digits",
            started=5.5,
        )
        write_config(home / "runs" / name, {"model": "new/plain-8"})
    found = reader.runs()
    assert [info.id for info in found] == ["c", "b", "a"]
    assert [info.step for info in found] == [2, 1, 0]
    assert found[0].model == "new/plain-8"
    assert found[0].dataset == "digits"
    assert found[0].status == "finished"
    assert found[0].steps == 1000
    assert found[0].started == 5.5


def test_a_run_whose_process_is_gone_has_crashed(folder):
    write(folder, range(5), status="running")
    write_config(folder, {"model": "new/plain-8"})
    assert reader.read("a").status == "crashed"
    held = lock.hold(folder)
    assert reader.read("a").status == "running"
    assert reader.runs()[0].status == "running"
    lock.release(held)
    assert reader.read("a").status == "crashed"


def test_only_one_process_holds_the_lock_of_a_run(folder):
    held = lock.hold(folder)
    assert lock.is_held(folder)
    assert lock.hold(folder, wait=0.02) is None
    lock.release(held)
    assert not lock.is_held(folder)
    assert not lock.is_held(folder / "nowhere")


# ---- what cannot be read


@pytest.mark.parametrize("name", ["nothing", "", ".", "..", "../runs/a", "a/../a"])
def test_a_name_that_is_no_run_is_refused(folder, name):
    write(folder, range(3))
    with pytest.raises(TrainingError, match=r"There is no run .* lists them"):
        reader.read(name)


def test_a_run_that_is_deleted_meanwhile_is_one_sentence(folder):
    write(folder, range(3))
    found = reader.read("a")
    (folder / FILE).unlink()
    for ask in (
        found.scalars,
        found.epochs,
        found.info,
        lambda: found.norms("weight"),
        lambda: found.status,
    ):
        with pytest.raises(TrainingError, match="it may have been deleted"):
            ask()


@pytest.mark.parametrize("damage", [b"", b"no database at all" * 100], ids=["empty", "other"])
def test_a_damaged_file_is_one_sentence_and_the_list_goes_on(folder, damage):
    (folder / FILE).write_bytes(damage)
    with pytest.raises(TrainingError, match=r"run a |of a "):
        reader.read("a").info()
    assert reader.runs() == ()


def test_numbers_of_the_wrong_length_are_damage(folder):
    write(folder, range(3))
    with sqlite3.connect(folder / FILE) as db:
        db.execute("UPDATE norms SET weight = x'00000000' WHERE step = 1")
    db.close()
    with pytest.raises(TrainingError, match="are damaged"):
        reader.read("a").norms("weight")


def test_config_is_what_was_written_or_a_sentence(folder):
    write(folder, range(3))
    with pytest.raises(TrainingError, match="cannot be read"):
        _ = reader.read("a").config
    write_config(folder, {"model": "new/plain-8"})
    assert reader.read("a").config == {"model": "new/plain-8"}
    (folder / CONFIG).write_text("{")
    with pytest.raises(TrainingError, match="cannot be read"):
        _ = reader.read("a").config


# ---- writing


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


def test_a_run_of_an_earlier_version_lacks_a_quantity_and_is_read_as_ever(folder):
    earlier(folder)
    found = reader.read("a")
    assert "bn_beta" not in found.quantities()
    assert found.norms("bn_beta")[1].shape == (0, 0)
    assert found.first("bn_beta", 20)[1].shape == (0, 0)
    assert found.norms("bn_gamma")[1].tolist() == [[0, 0], [5, 2.5]]


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
