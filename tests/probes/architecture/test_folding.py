"""Whatever is folded: parameters, blocks and arcs stay counted."""

import pytest

from resviz.models import zoo
from resviz.probes.architecture.folding import fold
from resviz.probes.architecture.outline import BLOCK
from tests.probes.architecture.test_graph import without_numbers
from tests.probes.architecture.test_outline import outlined


@pytest.mark.parametrize("most", [4, 7, 11])
def test_parameters_are_kept(most):
    whole = outlined(zoo.load("new/residual-20").model)
    folded = fold(whole, most)
    parameters = [sum(unit.parameters for unit in o.units) for o in (whole, folded)]
    assert parameters[0] == parameters[1]


@pytest.mark.parametrize("most", [1, 10, 18, 24, 40, 60])
def test_folding_counts_every_block_and_keeps_every_kind_of_arc(most):
    whole = outlined(without_numbers("resnet152"), 64)
    folded = fold(whole, most)
    blocks = [unit for unit in folded.units if unit.role == BLOCK]
    assert sum(unit.count for unit in blocks) == 3 + 8 + 36 + 3
    assert all(unit.arcs for unit in blocks)
    assert sum(unit.count for unit in blocks if unit.arcs[0].kind == "projection") == 4
    names = [name for unit in blocks for name in unit.names]
    assert names == [unit.name for unit in whole.units if unit.role == BLOCK]


def test_a_deep_network_folds_to_a_handful():
    whole = outlined(zoo.load("new/residual-110?width=2").model)
    assert [unit.count for unit in fold(whole, 8).units] == [1, 18, 1, 17, 1, 17, 1]
