"""Changes of outputs over depth."""

import numpy as np

from resviz.figures.batchnorm.modes import Labels, changes
from resviz.figures.theme import template


def test_changes_are_drawn_over_depth_in_two_styles():
    labels = Labels(change="change", own="own", recalibrated="new")
    own, new = np.array([0.1, 0.2]), np.array([0.0, 0.5])
    figure = changes(("a", "b"), own, new, labels, dark=True)
    assert [tuple(line.y) for line in figure.data] == [(0.1, 0.2), (0.0, 0.5)]
    assert [line.name for line in figure.data] == ["own", "new"]
    assert len({line.line.dash for line in figure.data}) == 2
    assert figure.layout.template == template(True)
