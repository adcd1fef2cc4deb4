"""Factors and biases of a folded BatchNorm."""

import numpy as np

from resviz.figures.batchnorm.folding import Labels, factors


def test_factors_stand_above_biases():
    labels = Labels(channel="channel", scale="factor", bias="bias")
    figure = factors(np.array([1.0, 0.0]), np.array([-2.0, 3.0]), labels, dark=False)
    scale, bias = figure.data
    assert (list(scale.y), list(bias.y)) == ([1, 0], [-2, 3])
    assert figure.layout.yaxis.title.text == "factor"
    assert figure.layout.yaxis2.title.text == "bias"
    assert figure.layout.xaxis2.title.text == "channel"
