"""The pictures of BatchNorm show the numbers they were given."""

import re

import numpy as np
import pytest

from resviz.figures.batchnorm.batch_size import errors, estimates
from resviz.figures.batchnorm.drift import (
    Words,
    affine_violins,
    changes,
    channel_cloud,
    channel_histograms,
    drift_rows,
)
from resviz.figures.batchnorm.worked_example import before_and_after, number_lines
from resviz.figures.theme import template
from resviz.probes.batchnorm.batch_size import batch_size
from resviz.probes.batchnorm.statistics import batchnorm, channel_values
from resviz.probes.batchnorm.worked_example import batchnorm_by_hand
from tests.probes.example_nets import cifar, picture

MODEL, X = cifar(8), picture(16, batch=4)
LAYERS = batchnorm(MODEL, X)
WORDS = Words("across", "up", "a", "b", "c")


def test_there_is_a_row_for_each_layer_with_its_median_and_the_chosen_one_is_marked():
    html = drift_rows(LAYERS, "layer2.0.bn1", ("median", "off", "dead"), "open {layer}")
    assert re.findall(r'data-pick="([^"]+)"', html) == [layer.layer for layer in LAYERS]
    assert re.findall(r'class="line on" data-pick="([^"]+)"', html) == ["layer2.0.bn1"]
    medians = re.findall(r'alt=""><span class="number">([\d.]+)</span>', html)
    assert [float(m) for m in medians] == pytest.approx(
        [layer.drift for layer in LAYERS], abs=0.006
    )
    assert 'title="open bn1"' in html


def test_names_from_outside_are_escaped():
    import dataclasses

    hostile = dataclasses.replace(LAYERS[0], layer='<img src=x onerror="alert(1)">')
    assert "<img src=x" not in drift_rows([hostile], "", ("a", "b", "c"), "open {layer}")


def test_a_violin_for_each_layer_and_only_biases_where_there_is_no_gamma():
    gammas, betas = [layer.gamma for layer in LAYERS], [layer.beta for layer in LAYERS]
    figure = affine_violins(
        [layer.layer for layer in LAYERS], gammas, betas, ("gamma", "beta"), dark=False
    )
    assert len(figure.data) == 2 * len(LAYERS)
    np.testing.assert_allclose(figure.data[0].y, gammas[0], atol=1e-4)
    np.testing.assert_allclose(figure.data[1].y, betas[0], atol=1e-4)
    alone = affine_violins(["conv"], [None], betas[:1], ("gamma", "bias"), dark=False)
    assert len(alone.data) == 1
    assert alone.layout.yaxis.title.text == "bias"


def test_a_large_layer_s_violin_keeps_its_ends_and_its_median():
    values = np.random.default_rng(0).normal(size=4000)
    shown = affine_violins(["a"], [values], [values], ("g", "b"), dark=True).data[0].y
    assert len(shown) == 257
    assert (shown[0], shown[-1]) == pytest.approx((values.min(), values.max()), abs=1e-4)
    assert shown[128] == pytest.approx(np.median(values), abs=1e-4)


def test_a_channel_lies_at_its_shift_and_its_ratio_of_deviations():
    layer = LAYERS[1]
    dots, ring = channel_cloud(layer, 5, WORDS, dark=False).data
    np.testing.assert_allclose(dots.x, layer.shift)
    deviations = np.sqrt((layer.batch.variance + layer.eps) / (layer.running_variance + layer.eps))
    np.testing.assert_allclose(dots.y, deviations)
    assert (ring.x[0], ring.y[0]) == (dots.x[5], dots.y[5])
    assert dots.customdata.tolist() == list(range(16))


def test_histograms_have_area_one_under_the_gaussian_of_the_running_statistics():
    layer = LAYERS[1]
    found = channel_values(MODEL, X, layer.layer, 3)
    figure = channel_histograms(found, layer, ("in", "out", "relu"), WORDS, dark=False)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert len(bars) == 3
    for bar in bars:
        assert (np.array(bar.y) * bar.width).sum() == pytest.approx(1)
    expected = [trace for trace in figure.data if trace.name == "b"]
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


def test_a_channel_without_gamma_has_no_curve_behind_the_layer():
    import dataclasses

    layer = dataclasses.replace(LAYERS[1], gamma=np.zeros(16))
    found = channel_values(MODEL, X, layer.layer, 3)
    figure = channel_histograms(found, layer, ("in", "out", "relu"), WORDS, dark=False)
    assert sum(trace.name == "b" for trace in figure.data) == 1


def test_changes_are_drawn_over_depth_in_two_styles():
    figure = changes(
        ("a", "b"), [("own", np.array([0.1, 0.2])), ("new", np.array([0.0, 0.5]))], WORDS, dark=True
    )
    assert [tuple(line.y) for line in figure.data] == [(0.1, 0.2), (0.0, 0.5)]
    assert len({line.line.dash for line in figure.data}) == 2
    assert figure.layout.template == template(True)


def test_estimates_and_errors_draw_what_was_measured():
    sizes = batch_size(MODEL, X, "bn1", (2, 8, 32), 20)
    dots, upper, lower = estimates(sizes, 2, WORDS, dark=False).data
    np.testing.assert_allclose(sorted(dots.y), np.sort(sizes.means[:, :, 2].ravel()))
    np.testing.assert_allclose((np.array(upper.y) + lower.y) / 2, sizes.mean[2])
    half = (np.array(upper.y) - lower.y) / 2
    np.testing.assert_allclose(half, sizes.image_means[:, 2].std() / np.sqrt([2, 8, 32]))
    lines = errors(sizes, ("m", "t", "v", "o", "i"), WORDS, dark=False).data
    assert [line.name for line in lines] == ["m", "t", "v", "o", "i"]
    np.testing.assert_allclose(lines[0].y, np.sqrt((sizes.mean_error**2).mean(1)))
    np.testing.assert_allclose(lines[4].y, 1 / np.sqrt(np.array([2, 8, 32]) * 256))


def test_each_value_has_its_thread_through_the_steps():
    one = np.ones(2)
    found = batchnorm_by_hand(np.array([[2.0, 10.0], [6.0, 11.0]]), one, 0 * one, 0 * one, one)
    figure = number_lines([("x", found.x), ("x̂", found.x_hat)], "channel", dark=False)
    assert [trace.name for trace in figure.data] == [
        "channel 1",
        "channel 1",
        "channel 2",
        "channel 2",
    ]
    np.testing.assert_allclose(
        [trace.x for trace in figure.data], [[2, -1], [6, 1], [10, -1], [11, 1]], atol=1e-4
    )
    bars = before_and_after(found.x, found.y, ("in", "out"), " + b", dark=False).data
    assert [tuple(bar.x) for bar in bars] == [("x₁ + b", "x₂ + b")] * 2 + [("y₁", "y₂")] * 2
    np.testing.assert_allclose(bars[0].y, [2, 6])
