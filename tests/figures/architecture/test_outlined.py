"""Every unit is a box and every shortcut an arc, in the whole network and inside a block."""

import pytest

from resviz.figures.architecture.outlined import Faces, Labels, inside, whole
from resviz.models import zoo
from resviz.probes.architecture.folding import fold
from resviz.probes.architecture.graph import IDENTITY, PADDED, PROJECTION, graph
from resviz.probes.architecture.outline import outline, residual_blocks


def traced(name):
    model = zoo.load(name).model
    found = graph(model, 32)
    return found, outline(found, residual_blocks(model, found))


@pytest.mark.parametrize("most", [4, 8, 11])
def test_a_shortcut_is_visible_at_every_fold(most):
    found, outlined = traced("new/residual-20")
    folded = fold(outlined, most)
    boxes, bridges = whole(folded, found, Labels(), Faces())
    assert len(boxes) == len(folded.units)
    blocks = [place for place, unit in enumerate(folded.units) if unit.role == "block"]
    assert [(b.start, b.end) for b in bridges] == [(place - 1, place) for place in blocks]
    assert sum(b.count for b in bridges) == 9
    assert {b.kind for b in bridges} == {IDENTITY, PADDED}


def test_a_plain_network_has_no_arc():
    found, outlined = traced("new/plain-20")
    assert whole(outlined, found, Labels(), Faces())[1] == ()


def test_an_arc_with_weights_tells_its_window_and_can_be_chosen():
    found, outlined = traced("new/residual-20?shortcut=B")
    names = frozenset(o.name for o in found.operations)
    _, bridges = whole(outlined, found, Labels(), Faces(pickable=names))
    projected = [b for b in bridges if b.kind == PROJECTION]
    assert [b.label for b in projected] == ["1×1 /2"] * 2
    assert [b.key for b in projected] == ["layer2.0.shortcut", "layer3.0.shortcut"]


def test_only_what_can_be_chosen_has_a_key():
    found, outlined = traced("new/residual-20")
    boxes, _ = whole(outlined, found, Labels(), Faces(pickable=frozenset({"layer1.0"})))
    assert [box.key for box in boxes if box.key] == ["layer1.0"]


def test_inside_a_block_its_shortcut_goes_around_all_up_to_the_sum():
    found, outlined = traced("new/residual-20")
    unit = outlined.units[1]
    boxes, bridges = inside(unit, found, Labels(), Faces())
    assert [box.name for box in boxes] == ["conv1", "bn1", "relu1", "conv2", "bn2", "add", "relu2"]
    assert [(b.start, boxes[b.end].name, b.kind) for b in bridges] == [(-1, "add", IDENTITY)]


def test_a_hint_says_name_shape_and_parameters():
    found, outlined = traced("new/residual-20")
    box = whole(outlined, found, Labels(), Faces())[0][1]
    assert box.hint == "layer1.0: output 16×32×32, 4,672 parameters"  # 2 (9 16 16) + 4 16
