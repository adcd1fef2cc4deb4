"""A convolution that only computes a gate is told apart from those that the signal passes."""

import pytest
import torch
from torch import nn

from resviz.models import zoo
from resviz.probes.gradient_flow.norms import gradients
from resviz.probes.gradient_flow.signal_path import on_signal_path
from tests.probes.example_nets import picture


class Squeeze(nn.Module):
    """Two convolutions, the second weighed by a third one over what it gives."""

    def __init__(self, squash: nn.Module) -> None:
        super().__init__()
        self.stem, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)
        self.gate, self.squash = nn.Conv2d(4, 4, 1), squash
        self.scale = nn.Parameter(torch.ones(4))
        self.head = nn.Linear(4, 4)

    def forward(self, x):
        x = self.last(self.stem(x).relu()) * self.scale[:, None, None]
        x = x * (1 - self.squash(self.gate(x.mean((2, 3), keepdim=True))))
        return self.head(x.mean((2, 3)))


@pytest.mark.parametrize("squash", [nn.Sigmoid(), nn.Hardsigmoid(), nn.Softmax(1), nn.ReLU6()])
def test_the_last_convolution_is_not_that_of_a_gate(squash):
    torch.manual_seed(0)
    flow = gradients(Squeeze(squash), picture(16, batch=4), torch.tensor([0, 1, 2, 3]))
    assert flow.layers == ("stem", "last", "gate", "head")
    assert flow.layers[flow.last_convolution] == "last"
    assert flow.compared.tolist() == [0, 1]


class HandMade(nn.Module):
    """Convolutions behind activations that multiply a number by a squashed one of itself."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        x = self.one(x)
        x = self.two(x * torch.sigmoid(x))
        x = x * nn.functional.softplus(x).tanh()
        return torch.tanh(self.three(x)) * self.weight


def test_activations_written_as_products_and_learned_factors_hide_nothing():
    torch.manual_seed(0)
    model, nodes = HandMade(), {}
    for name, module in model.named_children():
        module.register_forward_hook(lambda _m, _x, y, name=name: nodes.update({y.grad_fn: name}))
    assert on_signal_path(model(picture(8)).sum(), nodes) == {"one", "two", "three"}


@pytest.mark.parametrize("name", ["gated-14", "gated-14?shortcut=B", "gated-14?norm=none"])
def test_a_gated_shortcut_is_compared_with_the_last_branch(name):
    model = zoo.load(f"new/{name}").model
    flow = gradients(model, picture(16, batch=4), torch.tensor([3, 1, 7, 3]))
    assert flow.layers[flow.last_convolution] == "layer3.1.conv2"


def test_a_squeeze_and_excitation_of_torchvision_is_no_last_convolution():
    from torchvision.ops import SqueezeExcitation

    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), SqueezeExcitation(8, 4), nn.Flatten()
    )
    model.append(nn.Linear(8 * 12 * 12, 10))
    flow = gradients(model, picture(16, batch=4), torch.tensor([3, 1, 7, 3]))
    assert flow.layers[flow.last_convolution] == "2"
