"""The graph is what the network executes.

Arcs by hand, against torch.fx, and in networks of others.
"""

import operator
from collections import Counter

import pytest
import torch
import torchvision
from torch import Tensor, fx, nn

from resviz.errors import ProbeError
from resviz.models import zoo
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.architecture.graph import IDENTITY, PADDED, PROJECTION, SCALED, graph
from resviz.probes.architecture.trace import ADD, CONCATENATE, MULTIPLY


def without_numbers(name: str, **options: bool) -> nn.Module:
    """A network of torchvision's on the meta device: shapes and no weights."""
    with torch.device("meta"):
        return torchvision.models.get_model(name, weights=None, **options)


def kinds(model: nn.Module, size: int = 32) -> Counter:
    return Counter((arc.join, arc.kind) for arc in graph(model, size).arcs)


@pytest.mark.parametrize(
    ("name", "arcs"),
    [
        ("residual-20", {(ADD, IDENTITY): 7, (ADD, PADDED): 2}),
        ("preactivation-20", {(ADD, IDENTITY): 7, (ADD, PADDED): 2}),
        ("residual-20?shortcut=B", {(ADD, IDENTITY): 7, (ADD, PROJECTION): 2}),
        ("residual-20?shortcut=C", {(ADD, PROJECTION): 9}),
        ("weighted-20", {(ADD, SCALED): 7, (ADD, PADDED): 2}),
        ("gated-20", {(ADD, SCALED): 7, (ADD, PADDED): 2}),
        ("plain-20", {}),
    ],
)
def test_shortcuts_are_those_of_the_family(name, arcs):
    assert kinds(zoo.load(f"new/{name}").model) == arcs


@pytest.mark.parametrize(
    ("name", "arcs"),
    [
        ("resnet18", {(ADD, IDENTITY): 5, (ADD, PROJECTION): 3}),
        ("resnet50", {(ADD, IDENTITY): 12, (ADD, PROJECTION): 4}),
        ("googlenet", {(CONCATENATE, PROJECTION): 27}),  # nine modules of four branches
        ("densenet121", {(CONCATENATE, IDENTITY): 21 + 78 + 300 + 136}),  # L (L + 1) / 2 a block
        ("vgg11", {}),
        ("alexnet", {}),
    ],
)
def test_networks_of_others_are_read_from_what_they_execute(name, arcs):
    extra = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
    model = without_numbers(name, **extra)
    assert kinds(model, 64) == arcs


@pytest.mark.parametrize(
    "name", ["resnet34", "wide_resnet50_2", "mobilenet_v2", "shufflenet_v2_x0_5"]
)
def test_additions_are_those_that_fx_traces(name):
    model = without_numbers(name).eval()
    calls = [node.target for node in fx.symbolic_trace(model).graph.nodes]
    added = sum(target in (operator.add, operator.iadd, torch.add) for target in calls)
    assert sum(arc.join == ADD for arc in graph(model, 64).arcs) == added


class Own(nn.Module):
    """Shortcuts where no block is: the root's own lines."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.conv3 = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        x = x + torch.relu(self.conv2(x))
        x += self.conv3(x)
        return x.mean((2, 3))


def test_a_shortcut_of_the_networks_own_forward_is_found():
    found = graph(Own(), 8)
    names = {o.index: o.name for o in found.operations}
    ends = [(names[arc.start], names[arc.end], arc.kind) for arc in found.arcs]
    assert [(start, kind) for start, _, kind in ends] == [("conv1", IDENTITY), (":add", IDENTITY)]


class Gated(nn.Module):
    """A squeeze-and-excitation gate inside a residual branch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.squeeze, self.fc = (
            nn.Conv2d(3, 3, 3, padding=1),
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(3, 3, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return x + y * torch.sigmoid(self.fc(self.squeeze(y)))


def test_a_gate_is_no_part_of_the_main_path():
    found = graph(Gated(), 8)
    assert "fc" not in [found.operations[i].name for i in found.main_path]
    assert [(arc.join, arc.kind) for arc in found.arcs] == [(MULTIPLY, PROJECTION), (ADD, IDENTITY)]


@pytest.mark.parametrize("name", ["residual-20", "gated-20", "plain-20?norm=none"])
def test_every_parameter_belongs_to_one_operation(name):
    model = zoo.load(f"new/{name}").model
    parts = {o.name: o.parameters for o in graph(model, 32).operations}
    assert sum(parts.values()) == sum(p.numel() for p in model.parameters())


def test_each_step_of_the_main_path_takes_what_the_one_before_made():
    found = graph(zoo.load("new/residual-20").model, 32)
    for before, index in zip((-1, *found.main_path), found.main_path, strict=False):
        assert before in found.operations[index].inputs
    assert found.operations[found.main_path[-1]].name == "fc"


def test_an_arc_ends_where_its_last_step_goes_in():
    for arc in graph(zoo.load("new/residual-20?shortcut=C").model, 32).arcs:
        assert arc.start < arc.end
        assert all(arc.start < i < arc.end for i in arc.through)


def test_shapes_and_windows_are_those_of_the_layers():
    found = {o.name: o for o in graph(without_numbers("resnet18"), 224).operations}
    assert (found["conv1"].window, found["conv1"].output_shape) == ("7×7 /2", (64, 112, 112))
    assert found["layer2.0.downsample.0"].window == "1×1 /2"
    assert found["fc"].output_shape == (1000,)


def test_the_model_is_left_as_it_was():
    model = build(ModelSpec(depth=8)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    graph(model, 32)
    assert model.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


class Reshapes(nn.Module):
    """Cannot run without an image."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(48, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.reshape(x.shape[0], -1, 48)[:, 0])


def test_a_network_that_needs_an_image_gets_one():
    assert [o.name for o in graph(Reshapes(), 4).operations][-1] == "fc"


class Constant(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(1)


def test_an_answer_without_the_image_is_refused():
    with pytest.raises(ProbeError, match="does not depend on the image"):
        graph(Constant(), 8)


def test_an_image_has_the_channels_that_the_first_convolution_takes():
    grey = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 2))
    found = graph(grey, 8)
    assert found.input_shape == (1, 8, 8)
    assert [operation.name for operation in found.operations] == ["0", "1", "2", "3"]


def test_a_network_for_another_size_is_refused_with_its_own_reason():
    fixed = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(72, 2))
    with pytest.raises(ProbeError, match=r"does not run on an image of 3×9×9 .*cannot be drawn"):
        graph(fixed, 9)
