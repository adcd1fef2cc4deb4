"""Long runs are thinned out evenly, with both ends."""

import sqlite3

import numpy as np
import pytest

from resviz.errors import TrainingError
from resviz.training.runs import reader
from resviz.training.schema import FILE
from tests.training.runs.recorded import write


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
