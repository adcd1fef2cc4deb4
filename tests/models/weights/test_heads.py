"""What is a classifier, and in which order its layers are used."""

import pytest
import torch

from resviz.models.weights.heads import chain, layers_of, linear


def weights(outputs, inputs):
    return {"weight": torch.ones(outputs, inputs), "bias": torch.ones(outputs)}


def named(**modules):
    return {
        f"{name.replace('_', '.')}.{key}": t
        for name, ts in modules.items()
        for key, t in ts.items()
    }


def test_layers_are_used_in_the_order_of_their_numbers():
    tensors = named(fc_10=weights(3, 4), fc_2=weights(4, 8), other=weights(1, 1))
    groups = layers_of(tensors)
    assert list(groups) == ["fc", "other"]
    assert list(groups["fc"].modules) == ["fc.2", "fc.10"]
    assert chain(groups["fc"], 8) == (4, 3)
    assert list(groups["fc"].renamed()) == ["fc.0.weight", "fc.0.bias", "fc.2.weight", "fc.2.bias"]


@pytest.mark.parametrize(
    ("modules", "features"),
    [
        ({"fc": weights(3, 4)}, 5),
        ({"fc_0": weights(4, 8), "fc_2": weights(3, 5)}, 8),
        ({"fc_0": weights(4, 8), "fc_1": {"weight": torch.ones(4), "bias": torch.ones(4)}}, 8),
    ],
)
def test_layers_that_do_not_fit_each_other_are_no_chain(modules, features):
    assert chain(layers_of(named(**modules))["fc"], features) == ()


@pytest.mark.parametrize(
    ("tensors", "shape"),
    [
        (weights(3, 4), (3, 4)),
        ({"weight": torch.ones(3, 4)}, (3, 4)),
        ({"weight": torch.ones(3, 4, 1, 1), "bias": torch.ones(3)}, (3, 4)),
        ({"weight": torch.ones(3, 4, 3, 3)}, None),
        ({"weight": torch.ones(3)}, None),
        ({"bias": torch.ones(3)}, None),
        ({**weights(3, 4), "bias": torch.ones(2)}, None),
        ({**weights(3, 4), "running_mean": torch.ones(3)}, None),
    ],
)
def test_what_a_linear_layer_is(tensors, shape):
    layer = linear(tensors)
    assert (layer and tuple(layer["weight"].shape)) == shape
    if layer and "bias" not in tensors:
        assert not layer["bias"].any()
