"""Estimates and errors over the size of the batch show what was measured."""

import numpy as np

from resviz.figures.batchnorm.batch_size import (
    ErrorLabels,
    EstimateLabels,
    errors,
    estimates,
    over_channels,
)
from resviz.probes.batchnorm.batch_size import batch_size
from tests.figures.batchnorm.example import MODEL, X

SIZES = batch_size(MODEL, X, "bn1", (2, 8, 32), 20)


def test_estimates_are_the_drawn_means_inside_the_theoretical_band():
    labels = EstimateLabels(images="images", mean="mean", batch="batch", theory="theory")
    dots, upper, lower = estimates(SIZES, 2, labels, dark=False).data
    np.testing.assert_allclose(sorted(dots.y), np.sort(SIZES.means[:, :, 2].ravel()))
    np.testing.assert_allclose((np.array(upper.y) + lower.y) / 2, SIZES.mean[2])
    half = (np.array(upper.y) - lower.y) / 2
    np.testing.assert_allclose(half, SIZES.image_means[:, 2].std() / np.sqrt([2, 8, 32]))
    assert (upper.showlegend, lower.showlegend) == (None, False)


def test_errors_are_root_mean_squares_over_the_channels():
    labels = ErrorLabels("images", "error", "m", "t", "v", "o", "i")
    lines = errors(SIZES, labels, dark=False).data
    assert [line.name for line in lines] == ["m", "t", "v", "o", "i"]
    np.testing.assert_allclose(lines[0].y, np.sqrt((SIZES.mean_error**2).mean(1)))
    np.testing.assert_allclose(lines[4].y, 1 / np.sqrt(np.array([2, 8, 32]) * 256))


def test_a_root_mean_square_worked_out_by_hand():
    np.testing.assert_allclose(over_channels(np.array([[3.0, 4.0]])), [12.5**0.5])
