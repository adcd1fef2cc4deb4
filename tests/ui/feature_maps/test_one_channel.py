"""A channel's statistics in words."""

import numpy as np
import torch
from torch import nn

from resviz.probes.feature_maps.activations import Activation, activations
from resviz.ui.feature_maps.one_channel import about_channel


def activation(*rows: list[float]) -> Activation:
    x = torch.tensor([[list(rows)]])
    return activations(nn.Sequential(nn.Identity()), x, ["0"])["0"]


def test_statistics_are_those_of_the_map():
    sentence = about_channel(activation([0.0, 0.0, 1.0], [0.0, 2.0, 0.0]), 0)
    values = np.array([0, 0, 1, 0, 2, 0])
    assert f"mean {values.mean():.3g}" in sentence
    assert f"standard deviation {values.std():.3g}" in sentence
    assert "67% zeros" in sentence
    assert "peak 2 at row 1, column 1" in sentence


def test_a_constant_channel_has_no_peak():
    sentence = about_channel(activation([0.5, 0.5], [0.5, 0.5]), 0)
    assert sentence == "**Channel 0** · 0.5 at every place"
