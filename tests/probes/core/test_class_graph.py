"""Gradients of class scores with respect to what layers give, against autograd on networks cut by
hand.
"""

import pytest
import torch
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.core.class_graph import ClassGraph
from tests.probes.example_nets import cifar, picture


def test_gradients_are_autograds_on_the_network_cut_by_hand():
    model, x = cifar(), picture(32)
    with torch.no_grad():
        a = model.layer2(model.layer1(model.relu(model.bn1(model.conv1(x)))))
    a.requires_grad_()
    scores = model.fc(model.avgpool(model.layer3(a)).flatten(1))[0]
    graph = ClassGraph(model, x, ["layer2"])
    for target in (7, 2):
        (expected,) = torch.autograd.grad(scores[target], a, retain_graph=True)
        torch.testing.assert_close(graph.gradient("layer2", target), expected[0])
    torch.testing.assert_close(graph.activation("layer2"), a.detach()[0])


def test_layers_asked_for_together_have_the_gradients_that_each_has_alone():
    model, x, names = cifar(), picture(32), ("layer1", "layer3")
    together = ClassGraph(model, x, names).gradients(names, 4)
    for name, gradient in zip(names, together, strict=True):
        torch.testing.assert_close(gradient, ClassGraph(model, x, [name]).gradient(name, 4))


def test_a_layer_that_does_not_lead_to_the_scores_has_no_gradient():
    class Aside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.aside, self.head = nn.Conv2d(3, 2, 1), nn.Linear(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            self.aside(x)
            return self.head(x.mean((2, 3)))

    assert not ClassGraph(Aside(), picture(4), ["aside"]).gradient("aside", 1).any()


def test_a_layer_that_does_not_run_and_a_class_that_is_not_there_are_refused():
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4))
    model.spare = nn.Identity()
    model.forward = lambda x: model[2](model[1](model[0](x)))
    with pytest.raises(ProbeError, match="layer spare does not run"):
        ClassGraph(model, picture(4), ["spare"])
    with pytest.raises(ProbeError, match="choose one from 0 to 3"):
        ClassGraph(model, picture(4), ["0"]).gradient("0", 4)
