"""A model is traced and cut once; what is folded comes from the same outline."""

from resviz.ui.services import architecture

MODEL = "new/residual-20"


def test_graph_and_outline_are_made_once():
    assert architecture.graph(MODEL) is architecture.graph(MODEL)
    assert architecture.outline(MODEL) is architecture.outline(MODEL)


def test_the_outline_has_the_blocks_of_the_model():
    names = [unit.name for unit in architecture.outline(MODEL).units if unit.role == "block"]
    assert names == [f"layer{stage}.{i}" for stage in (1, 2, 3) for i in range(3)]


def test_a_fold_stands_for_all_of_them():
    units = architecture.folded(MODEL, 8).units
    assert len(units) <= 8
    assert sum(unit.count for unit in units if unit.role == "block") == 9
