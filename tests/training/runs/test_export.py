"""Runs for other programs, and from other machines: whole ones, damaged ones, foreign ones."""

import csv
from pathlib import Path

import numpy as np
import pytest

from resviz.errors import TrainingError
from resviz.training.launch import start
from resviz.training.launch.start import start_run
from resviz.training.runs import export, reader
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


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_exported_numbers_are_the_recorded_ones(made, tmp_path, kind):
    record = reader.RunReader(made)
    files = {path.stem: path for path in export.export(record, tmp_path / "out", kind)}
    assert set(files) == {"steps", "epochs", *record.quantities()}
    loss = column(files["steps"], "loss")
    assert loss.tolist() == record.scalars()["loss"].tolist()
    steps, values = record.norms("weight_gradient")
    assert column(files["weight_gradient"], "step").tolist() == steps.tolist()
    assert np.array_equal(column(files["weight_gradient"], "fc").astype(np.float32), values[:, -1])
    assert column(files["epochs"], "test_loss").tolist() == record.epochs()["test_loss"].tolist()


def column(path: Path, name: str) -> np.ndarray:
    if path.suffix == ".csv":
        with path.open() as file:
            return np.array([float(row[name]) for row in csv.DictReader(file)])
    import pyarrow.parquet

    return pyarrow.parquet.read_table(path)[name].to_numpy()


def test_a_place_that_cannot_be_written_is_a_sentence(made, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TrainingError, match=r"cannot be written \(.*\); choose another --out"):
        export.export(reader.RunReader(made), tmp_path / "file")
