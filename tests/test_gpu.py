"""On CUDA or an Apple GPU every probe gives the CPU's numbers. Skipped where there is no GPU."""

import copy

import numpy as np
import pytest
import torch

from resviz.device import best
from resviz.probes.activations import activations, gradient_times_activation, moments, residual_parts
from resviz.probes.architecture import layers
from resviz.probes.attribution import METHODS, attribute
from resviz.probes.prediction import predict
from resviz.probes.receptive_field import receptive_field
from tests.probes.example_nets import imagenet, picture

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(best().type == "cpu", reason="there is no GPU: CUDA and MPS are not available"),
]


@pytest.fixture(scope="module")
def nets():
    """The same network on the CPU and on the GPU."""
    here = imagenet(18).eval()
    return here, copy.deepcopy(here).to(best().type)


@pytest.fixture(autouse=True)
def _full_precision(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def test_predictions_agree(nets):
    here, there = (predict(net, picture(64).to(next(net.parameters()).device), ()) for net in nets)
    np.testing.assert_allclose(there.scores, here.scores, rtol=1e-3, atol=1e-4)


def test_activations_and_their_statistics_agree(nets):
    x = picture(64)
    for probe in (activations, moments):
        here, there = (probe(net, x.to(next(net.parameters()).device), ["layer2.0"])["layer2.0"] for net in nets)
        np.testing.assert_allclose(there.mean, here.mean, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(there.std, here.std, rtol=1e-3, atol=1e-4)


def test_residual_parts_and_relevance_agree(nets):
    x = picture(64)
    here, there = (residual_parts(net, x.to(next(net.parameters()).device), "layer3.1") for net in nets)
    assert there.norm_branch == pytest.approx(here.norm_branch, rel=1e-3)
    here, there = (gradient_times_activation(n, x.to(next(n.parameters()).device), "layer3.1", 3) for n in nets)
    np.testing.assert_allclose(there, here, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_attributions_agree(nets, method):
    x = picture(64)
    here, there = (attribute(net, x.to(next(net.parameters()).device), method, 3) for net in nets)
    np.testing.assert_allclose(there.map, here.map, rtol=1e-2, atol=1e-2 * np.abs(here.map).max())


def test_structure_is_the_same_wherever_the_weights_lie(nets):
    here, there = nets
    assert layers(there, 64) == layers(here, 64)
    assert receptive_field(there, ["layer4.1"], 64) == receptive_field(here, ["layer4.1"], 64)
