"""A layer in the list says what it is."""

from resviz.probes.core.layers import Layer
from resviz.ui.widgets.layer_picker import layer_title


def test_a_layer_says_name_shape_and_kind():
    layer = Layer("layer1.0", "Residual", (64, 7, 7), 0, 0, leaf=False, spatial=True)
    assert layer_title(layer) == "layer1.0 · 64×7×7 · Residual"
