"""Scale and shift of many layers as violins."""

import numpy as np
import pytest

from resviz.figures.batchnorm.affine import Labels, affine_violins
from tests.figures.batchnorm.example import LAYERS

LABELS = Labels(gamma="gamma", beta="beta")


def test_a_violin_for_each_layer_and_only_biases_where_there_is_no_gamma():
    gammas, betas = [layer.gamma for layer in LAYERS], [layer.beta for layer in LAYERS]
    names = [layer.layer for layer in LAYERS]
    figure = affine_violins(names, gammas, betas, LABELS, dark=False)
    assert len(figure.data) == 2 * len(LAYERS)
    np.testing.assert_allclose(figure.data[0].y, gammas[0], atol=1e-4)
    np.testing.assert_allclose(figure.data[1].y, betas[0], atol=1e-4)
    assert figure.layout.yaxis.title.text == "gamma"
    alone = affine_violins(["conv"], [None], betas[:1], Labels("gamma", "bias"), dark=False)
    assert len(alone.data) == 1
    assert alone.layout.yaxis.title.text == "bias"


def test_a_large_layer_s_violin_keeps_its_ends_and_its_median():
    values = np.random.default_rng(0).normal(size=4000)
    shown = affine_violins(["a"], [values], [values], LABELS, dark=True).data[0].y
    assert len(shown) == 257
    assert (shown[0], shown[-1]) == pytest.approx((values.min(), values.max()), abs=1e-4)
    assert shown[128] == pytest.approx(np.median(values), abs=1e-4)
