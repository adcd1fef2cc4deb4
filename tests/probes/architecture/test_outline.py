"""Units are the network's blocks."""

import pytest

from resviz.models import zoo
from resviz.probes.architecture.graph import graph
from resviz.probes.architecture.outline import BLOCK, HEAD, STEM, outline, residual_blocks
from tests.probes.architecture.test_graph import without_numbers


def outlined(model, size=32):
    found = graph(model, size)
    return outline(found, residual_blocks(model, found))


def test_a_resnet_is_stem_blocks_and_head():
    whole = outlined(zoo.load("new/residual-20").model)
    roles = [unit.role for unit in whole.units]
    assert roles == [STEM, *[BLOCK] * 9, HEAD]
    assert [unit.name for unit in whole.units[1:4]] == ["layer1.0", "layer1.1", "layer1.2"]
    assert [len(unit.arcs) for unit in whole.units] == [0, *[1] * 9, 0]
    assert [unit.stage for unit in whole.units[4:7]] == ["layer2"] * 3
    assert whole.spans == ()


@pytest.mark.parametrize("family", ["residual", "plain", "preactivation", "gated"])
def test_parameters_of_the_units_are_all_of_them(family):
    model = zoo.load(f"new/{family}-20").model
    total = sum(p.numel() for p in model.parameters())
    assert sum(unit.parameters for unit in outlined(model).units) == total


def test_blocks_of_others_are_where_their_shortcuts_are():
    names = [u.name for u in outlined(without_numbers("mobilenet_v2"), 64).units]
    assert "features.3" in names  # adds its input
    assert "features.2" in names  # of the same class, changes the size
    whole = outlined(without_numbers("densenet121"), 64)
    arcs = [len(unit.arcs) for unit in whole.units if unit.role == BLOCK]
    assert arcs == [6 * 7 // 2, 12 * 13 // 2, 24 * 25 // 2, 16 * 17 // 2]


def test_an_activation_behind_a_convolution_belongs_to_it():
    whole = outlined(without_numbers("vgg11"), 64)
    assert [u.name for u in whole.units if u.role == BLOCK][:3] == [
        "features.0",
        "features.2",
        "features.3",
    ]
