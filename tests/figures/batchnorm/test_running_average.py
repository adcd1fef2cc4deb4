"""Running averages in their first steps."""

import numpy as np

from resviz.figures.batchnorm.running_average import Beginning, Labels, beginnings

LABELS = Labels(average="average", batch="batch", step="steps")


def test_a_beginning_starts_before_the_first_step():
    part = Beginning("mean", np.array([0.0, 0.1, 0.29]), np.array([1.0, 2.0]))
    line, dots = beginnings([part], LABELS, dark=False).data
    assert (list(line.x), list(line.y)) == ([0, 1, 2], [0, 0.1, 0.29])
    assert (list(dots.x), list(dots.y)) == ([1, 2], [1, 2])


def test_two_quantities_share_one_legend():
    part = Beginning("mean", np.array([0.0, 0.1]), np.array([1.0]))
    figure = beginnings([part, part], LABELS, dark=False)
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert shown == ["average", "batch"]
