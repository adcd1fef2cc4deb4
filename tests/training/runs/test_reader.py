"""What was written is what is read.

While it is written, thinned out, after the end, and from damaged files.
"""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from resviz.errors import TrainingError
from resviz.training.runs import lock, reader
from resviz.training.runs.naming import write_config
from resviz.training.runs.writer import RunWriter
from resviz.training.schema import BLOCKS, CONFIG, FILE, QUANTITIES, SINCE, WEIGHTED
from tests.training.runs.recorded import LAYERS, step, write


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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_read(folder):
    write(folder, range(20))
    folder.chmod(0o555)
    try:
        assert len(reader.read("a").scalars()["step"]) == 20
    finally:
        folder.chmod(0o755)


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
