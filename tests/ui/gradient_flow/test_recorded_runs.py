"""First against last leaves out gates and layers that are zero, as a fresh weighted network has."""

import numpy as np
import pytest

from resviz.training.runs.reader import RunInfo
from resviz.ui.gradient_flow.recorded_runs import Recorded
from resviz.ui.gradient_flow.through_training import finding

LAYERS = ("conv1", "layer1.0.conv1", "layer1.0.conv2", "layer1.0.shortcut.gate")


def run(*values: float) -> Recorded:
    info = object.__new__(RunInfo)  # the sentences need none of it
    return Recorded(info, np.array([0]), np.array([values]), LAYERS)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ((6.0, 1.0, 2.0, 1e-4), "N at step 0: the first is 3 times the last; the largest is 6, at"),
        ((6.0, 0.0, 0.0, 0.0), "N at step 0: 3 of 4 layers are exactly zero."),
        ((6.0, 0.0, 3.0, 0.0), "2 of 4 layers are exactly zero and are left out."),
        ((6.0, np.inf, 3.0, 1.0), "the first is 2 times the last"),
        ((np.nan,) * 4, "N at step 0: no finite number."),
    ],
)
def test_a_finding_is_about_the_layers_that_get_something(values, says):
    assert says in finding(run(*values), 0, "N")
