"""Which block a layer lies in, and the one scale of the three maps."""

import numpy as np
import pytest

from resviz.data import samples
from resviz.data.images import decode
from resviz.ui.feature_maps.residual_sum import _block_of, _common_scale
from resviz.ui.services.subject import Subject


@pytest.mark.parametrize(
    ("layer", "block"),
    [("layer2.0", "layer2.0"), ("layer2.0.conv1", "layer2.0"), ("layer2", None), ("conv1", None)],
)
def test_a_layer_belongs_to_the_block_around_it(layer: str, block: str | None):
    subject = Subject("new/residual-8?width=4", decode(samples.read("dog")))
    assert _block_of(subject, layer) == block


def test_the_scale_reaches_as_far_as_the_strongest_value_of_the_three():
    scale = _common_scale([np.array([[0.5]]), np.array([[-3.0, 1.0]]), np.array([[2.0]])])
    assert (scale.low, scale.high, scale.signed) == (-3, 3, True)
    assert _common_scale([np.zeros((1, 1))]).high == 1
