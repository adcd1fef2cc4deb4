"""A layer in the list says what it is."""

from resviz.probes.core.layers import Layer
from resviz.ui.services import models
from resviz.ui.widgets.layer_picker import _parents_first, layer_title


def test_a_layer_says_name_shape_and_kind():
    layer = Layer("layer1.0", "Residual", (64, 7, 7), 0, 0, leaf=False, spatial=True)
    assert layer_title(layer) == "layer1.0 · 64×7×7 · Residual"


def test_in_the_list_a_block_stands_before_its_parts_so_that_enter_picks_it():
    name = "new/residual-8?width=4"
    spatial = {layer.name: layer for layer in models.layers(name) if layer.spatial}
    names = _parents_first(name, spatial)
    assert sorted(names) == sorted(spatial)
    typed = [listed for listed in names if "layer2.0" in listed]
    assert typed[0] == "layer2.0"
