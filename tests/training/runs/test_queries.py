"""Long runs are thinned out evenly, with both ends."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from resviz.errors import TrainingError
from resviz.training.events import EpochEnd, Evaluation, Step
from resviz.training.runs import reader
from resviz.training.runs.writer import RunWriter
from resviz.training.schema import BLOCKS, FILE, QUANTITIES, WEIGHTED

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


def test_an_unknown_quantity_names_the_choices(folder):
    write(folder, range(3))
    for ask in (reader.read("a").layers, reader.read("a").norms):
        with pytest.raises(
            TrainingError, match="There is no quantity 'loudness'; choose from weight_gradient,"
        ):
            ask("loudness")


def test_numbers_of_the_wrong_length_are_damage(folder):
    write(folder, range(3))
    with sqlite3.connect(folder / FILE) as db:
        db.execute("UPDATE norms SET weight = x'00000000' WHERE step = 1")
    db.close()
    with pytest.raises(TrainingError, match="are damaged"):
        reader.read("a").norms("weight")
