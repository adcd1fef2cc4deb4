"""Colours are powers of ten on a scale that runs share, and peaks are where the numbers are largest."""

import numpy as np
import pytest

from resviz.figures.through_training import common_range, heatmap, peaks

STEPS = np.array([0, 5, 40])
VALUES = np.array([[1e3, 1.0], [1e-2, 10.0], [0.0, np.inf]])
TITLES = ("step", "layer", "norm")


def test_the_scale_reaches_from_the_smallest_to_the_largest_of_all_runs():
    assert common_range([VALUES, VALUES[:2] / 1e3]) == pytest.approx((-5, 3))
    assert common_range([np.ones((2, 2))]) == (-0.5, 0.5)
    assert common_range([np.zeros((2, 2))]) == common_range([]) == (-1, 0)


def test_peaks_are_the_layers_with_the_largest_finite_number():
    assert peaks(VALUES).tolist() == [0, 1, 0]
    assert peaks(np.full((1, 3), np.nan)).tolist() == [-1]


def test_the_heatmap_shows_powers_of_ten_by_layer_and_step_and_leaves_out_what_is_none():
    figure = heatmap(STEPS, VALUES, ("conv1", "fc"), (-5.0, 3.0), 5, TITLES, dark=False)
    cells, peak = figure.data
    np.testing.assert_allclose(cells.z, [[3, -2, np.nan], [0, 1, np.nan]])
    assert (cells.zmin, cells.zmax) == (-5, 3)
    assert list(cells.x) == [0, 5, 40]
    assert list(cells.y) == [1, 2]
    assert [cells.text[row][0] for row in (0, 1)] == ["conv1", "fc"]
    assert cells.customdata[0][0][0] == 1e3
    assert list(peak.y) == [1, 2, 1]
    assert figure.layout.shapes[0].x0 == 5
    assert [figure.layout.xaxis.title.text, figure.layout.yaxis.title.text] == ["step", "layer"]
    assert all(-5 <= tick <= 3 for tick in cells.colorbar.tickvals)
