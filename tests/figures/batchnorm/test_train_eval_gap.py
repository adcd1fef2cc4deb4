"""Both kinds of statistics of a run are told apart."""

import numpy as np

from resviz.figures.batchnorm.train_eval_gap import Labels, Recorded, lines


def test_the_two_kinds_of_statistics_are_told_apart_by_dash_and_mark_as_well():
    figure = lines(
        [1, 2],
        np.array([0.5, 0.9]),
        np.array([0.4, 0.8]),
        Recorded(np.array([1.0]), np.array([0.7])),
        Labels(epochs="", quantity="", stored="", own="", recorded=""),
        dark=False,
    )
    stored, own, recorded = figure.data
    assert [list(trace.y) for trace in figure.data] == [[0.5, 0.9], [0.4, 0.8], [0.7]]
    assert len({stored.line.dash, own.line.dash, recorded.line.dash}) == 3
    assert stored.marker.symbol != own.marker.symbol
