"""One layer's channels and one channel's values show the numbers they were given."""

import dataclasses

import numpy as np
import pytest

from resviz.figures.batchnorm.channels import (
    CloudLabels,
    HistogramLabels,
    channel_cloud,
    channel_histograms,
)
from resviz.probes.batchnorm.channels import channel_values
from tests.figures.batchnorm.example import LAYERS, MODEL, X

CLOUD = CloudLabels(shift="shift", spread="spread", channel="channel")
LABELS = HistogramLabels(
    before="in",
    after="out",
    rectified="relu",
    value="value",
    values="values",
    expected="expected",
    actual="actual",
)


def test_a_channel_lies_at_its_shift_and_its_ratio_of_standard_deviations():
    layer = LAYERS[1]
    dots, ring = channel_cloud(layer, 5, CLOUD, dark=False).data
    np.testing.assert_allclose(dots.x, layer.shift)
    ratios = np.sqrt((layer.batch.variance + layer.eps) / (layer.running_variance + layer.eps))
    np.testing.assert_allclose(dots.y, ratios)
    assert (ring.x[0], ring.y[0]) == (dots.x[5], dots.y[5])
    assert dots.customdata.tolist() == list(range(16))


def test_all_channels_of_the_cloud_lie_inside_its_axes_and_ticks_are_powers_of_two():
    layer = LAYERS[1]
    figure = channel_cloud(layer, 0, CLOUD, dark=False)
    dots, axis = figure.data[0], figure.layout.yaxis
    assert np.abs(dots.x).max() < figure.layout.xaxis.range[1]
    assert np.abs(np.log10(dots.y)).max() < axis.range[1]
    assert (np.log2(axis.tickvals) % 1 == 0).all()
    assert axis.ticktext[list(axis.tickvals).index(1.0)] == "×1"


def test_histograms_have_area_one_under_the_gaussian_of_the_running_statistics():
    layer = LAYERS[1]
    values = channel_values(MODEL, X, layer.layer, 3)
    figure = channel_histograms(values, layer, LABELS, dark=False)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert len(bars) == 3
    for bar in bars:
        assert (np.array(bar.y) * bar.width).sum() == pytest.approx(1)
    expected = [trace for trace in figure.data if trace.name == "expected"]
    for curve, mean, variance in zip(
        expected,
        (layer.running_mean[3], layer.beta[3]),
        (layer.running_variance[3], layer.gamma[3] ** 2),
        strict=True,
    ):
        x, density = np.array(curve.x), np.array(curve.y)
        assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-3)
        assert np.trapezoid(x * density, x) == pytest.approx(mean, abs=1e-3)
        assert np.trapezoid((x - mean) ** 2 * density, x) == pytest.approx(variance, rel=0.01)


def test_each_name_stands_once_in_the_legend():
    layer = LAYERS[1]
    values = channel_values(MODEL, X, layer.layer, 3)
    figure = channel_histograms(values, layer, LABELS, dark=False)
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert sorted(shown) == ["actual", "expected", "values"]


def test_a_channel_without_gamma_has_no_curve_behind_the_layer():
    layer = dataclasses.replace(LAYERS[1], gamma=np.zeros(16))
    values = channel_values(MODEL, X, layer.layer, 3)
    figure = channel_histograms(values, layer, LABELS, dark=False)
    assert sum(trace.name == "expected" for trace in figure.data) == 1
