"""What a run recorded of its BatchNorm layers."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from resviz.training.runs import reader
from resviz.training.schema import FILE
from resviz.ui.batchnorm import through_training
from tests.app.test_pages import words
from tests.ui.batchnorm.pages import charts, page, trained


def test_through_training_says_what_was_recorded(home: Path) -> None:
    (name,) = trained(home, "new/residual-8?width=4&classes=2")
    app = page(aspect="training", bn="layer2.0.bn2", stored="bn_variance")
    assert not app.error
    assert charts(app) == 3
    assert app.selectbox(key="bnrun").value == name
    assert app.selectbox(key="bn").value == "layer2.0.bn2"
    record = reader.read(name)
    at = record.layers("bn_variance").index("layer2.0.bn2")
    values = record.first("bn_variance", 9)[1][:, at]
    last = (values[-1] - 0.9 * values[-2]) / 0.1
    assert (
        f"35% of the start (mean 0, variance 1) is left; the stored variance is {values[-1]:.3g}"
        in words(app)
    )
    assert f"the last batch had {last:.3g}" in words(app)


@pytest.mark.parametrize(
    ("steps", "says"),
    [([0, 1, 2], "is a step,"), ([0, 10, 20, 30], "one step out of 10,"), ([7], "is a step,")],
)
def test_the_caption_says_which_steps_the_columns_are(steps: list[int], says: str) -> None:
    assert says in through_training._columns_caption(np.array(steps))


def test_a_run_that_recorded_every_tenth_step_alone_says_so(home: Path) -> None:
    (name,) = trained(home, "new/residual-8?width=4&classes=2")
    with sqlite3.connect(home / "runs" / name / FILE) as db:
        db.execute("DELETE FROM batchnorm WHERE step % 10 > 0")
    db.close()
    app = page(aspect="training")
    assert not app.error
    assert charts(app) == 2
    assert "not recorded at each of its first steps" in words(app)
