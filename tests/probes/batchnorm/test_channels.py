"""The values of one channel around its BatchNorm."""

import numpy as np
import pytest
import torch
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.channels import channel_values
from tests.probes.batchnorm.test_layers import NormAct
from tests.probes.batchnorm.test_statistics import inputs
from tests.probes.example_nets import cifar, left_as_found, picture

X = picture(16, batch=5)


def test_histograms_count_every_value_before_after_and_behind_the_relu():
    model = cifar(8)
    before = inputs(model, X)["layer1.0.bn1"][3]
    norm = model.layer1[0].bn1
    sigma = (norm.running_var[3].item() + norm.eps) ** 0.5
    gamma, beta = norm.weight[3].item(), norm.bias[3].item()
    after = gamma * (before - norm.running_mean[3].item()) / sigma + beta
    with left_as_found(model):
        found = channel_values(model, X, "layer1.0.bn1", 3)
    for histogram, expected in (
        (found.before, before),
        (found.after, after),
        (found.rectified, after.clip(0)),
    ):
        assert histogram.counts.sum() == expected.size
        assert histogram.mean == pytest.approx(expected.mean(), abs=1e-4)
        assert histogram.variance == pytest.approx(expected.var(), rel=1e-3)
        middle = len(histogram.edges) // 2
        assert histogram.counts[:middle].sum() == pytest.approx(
            (expected < histogram.edges[middle]).sum(), abs=2
        )
    assert channel_values(model, X, "layer1.0.bn2", 3).rectified is None


@pytest.mark.parametrize(
    ("layer", "channel", "says"),
    [("conv1", 0, "such as bn1"), ("bn1", 16, "0 to 15"), ("bn1", -1, "0 to 15")],
)
def test_a_wrong_layer_or_channel_names_the_choices(layer, channel, says):
    with pytest.raises(ProbeError, match=says):
        channel_values(cifar(8), X, layer, channel)


def test_the_histogram_after_a_norm_with_an_activation_is_before_that_activation():
    norm = NormAct(3, nn.ReLU())
    norm.running_mean.uniform_(-1, 1)
    values = channel_values(nn.Sequential(norm).eval(), X, "0", 1)
    expected = nn.BatchNorm2d.forward(norm, X)[:, 1].detach().double().numpy()
    assert values.after.mean == pytest.approx(expected.mean(), rel=1e-4)
    assert values.rectified.mean == pytest.approx(expected.clip(0).mean(), rel=1e-4)


def test_equal_values_have_a_histogram_of_some_width():
    values = channel_values(nn.Sequential(nn.BatchNorm2d(3)).eval(), torch.ones(2, 3, 4, 4), "0", 0)
    assert values.before.counts.sum() == 32
    assert (np.diff(values.before.edges) > 0).all()
    assert values.before.variance == 0


def test_a_layer_that_does_not_run_is_refused():
    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.idle = nn.BatchNorm2d(3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    with pytest.raises(ProbeError, match="idle does not run"):
        channel_values(Idle(), X, "idle", 0)
