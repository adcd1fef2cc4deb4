"""Hooks see weights as they are while the network runs, and leave with the `with`."""

import warnings
from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations

from resviz.probes.core import autograd
from resviz.probes.gradient_flow.norms import gradients
from resviz.probes.gradient_flow.recorder import Recorder, recorded
from tests.probes.example_nets import cifar, left_as_found, picture

X, TARGETS = picture(16, batch=4), torch.tensor([0, 1, 2, 3])


def net(normalise) -> nn.Module:
    torch.manual_seed(0)
    stem = normalise(nn.Conv2d(3, 8, 3))
    return nn.Sequential(stem, nn.ReLU(), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(1152, 4))


def old_weight_norm(conv: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch calls it deprecated
        return nn.utils.weight_norm(conv)


def test_a_norm_of_weights_that_ran_before_is_measured_in_float64_too():
    model = net(old_weight_norm).eval()
    model(X)
    narrow, wide = (gradients(model, X, TARGETS, double=double) for double in (False, True))
    assert wide.precision == "float64"
    assert wide.weight_gradient == pytest.approx(narrow.weight_gradient, rel=1e-4)


def test_a_layer_that_runs_again_for_the_backward_pass_keeps_no_second_graph(monkeypatch):
    """A reference to the graph of the second run would keep every activation of the network."""
    monkeypatch.setattr(autograd, "FEW", 2)
    model, runs = cifar(20, width=4), Counter()
    recorder = Recorder(lambda _share: None, (), {"conv1": model.layer1[1].conv1}, details=False)
    with autograd.light(model), recorded(model, recorder):
        handle = model.layer1[1].conv1.register_forward_hook(lambda *_: runs.update(["conv1"]))
        F.cross_entropy(model(X), TARGETS).backward()
        handle.remove()
    assert runs["conv1"] == 2
    assert len(recorder.nodes) == 1


@pytest.mark.parametrize(
    "normalise", [parametrizations.weight_norm, parametrizations.spectral_norm, lambda conv: conv]
)
def test_a_normalised_weight_is_measured_as_the_layer_uses_it(normalise):
    model = net(normalise).eval()
    flow = gradients(model, X, TARGETS)
    assert flow.layers == ("0", "2", "4")
    weight = model[0].weight.detach().requires_grad_()
    hidden = F.conv2d(X, weight, model[0].bias)
    loss = F.cross_entropy(model[1:](hidden), TARGETS)
    expected = torch.autograd.grad(loss, weight)[0].norm().item()
    assert flow.weight_gradient[0] == pytest.approx(expected, rel=1e-5)
    assert flow.weight[0] == pytest.approx(weight.norm().item(), rel=1e-6)


def test_layers_blocks_and_both_ways_are_seen_and_no_hook_stays():
    model = cifar(8, width=4)
    names = ("layer1.0", "layer2.0", "layer3.0")
    layers = {"conv1": model.conv1, "layer1.0.conv1": model.layer1[0].conv1}
    shares = []
    recorder = Recorder(shares.append, names, layers, details=True)
    with left_as_found(model), recorded(model, recorder):
        F.cross_entropy(model(X), TARGETS).backward()
        model.zero_grad()
    assert list(recorder.weights) == list(layers)
    assert recorder.depth == {"layer1.0": 2, "layer2.0": 2, "layer3.0": 2}
    assert recorder.measured_blocks() == list(names)
    for direction in ("backward", "forward"):
        assert recorder.sums(direction).blocks == names
    assert shares[-1] == pytest.approx(1)
