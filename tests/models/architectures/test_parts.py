"""What a spec decides about activations, shortcuts, norms and biases."""

import pytest
import torch
from torch import nn

from resviz.models.architectures.parts import make_norm
from resviz.models.architectures.resnet import build
from resviz.models.spec import ACTIVATIONS, ModelSpec


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_activation_is_a_module_of_its_own_and_not_in_place(name):
    model = build(ModelSpec(depth=8, activation=name))
    kind = getattr(nn, ACTIVATIONS[name])
    uses = [module for module in model.modules() if isinstance(module, kind)]
    assert len(uses) == 1 + 3 * 2
    assert not any(getattr(module, "inplace", False) for module in uses)
    assert torch.isfinite(model(torch.randn(1, 3, 32, 32))).all()


@pytest.mark.parametrize(
    ("shortcut", "projected"),
    [
        ("A", []),
        ("B", ["layer2.0", "layer3.0"]),
        ("C", [f"layer{s}.{b}" for s in (1, 2, 3) for b in (0, 1)]),
    ],
)
def test_options_a_b_c_project_nowhere_where_shapes_change_and_everywhere(shortcut, projected):
    model = build(ModelSpec(depth=14, shortcut=shortcut))
    found = {
        name.split(".downsample")[0] for name, _ in model.named_parameters() if "downsample" in name
    }
    assert sorted(found) == projected


def test_without_normalisation_there_is_no_batchnorm_and_convolutions_have_biases():
    model = build(ModelSpec(depth=8, norm="none", shortcut="B"))
    assert not any(isinstance(module, nn.BatchNorm2d | nn.GroupNorm) for module in model.modules())
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    assert all(conv.bias is not None for conv in convolutions)
    normed = build(ModelSpec(depth=8, norm="group", shortcut="B"))
    assert all(m.bias is None for m in normed.modules() if isinstance(m, nn.Conv2d))


@pytest.mark.parametrize("channels", [1, 15, 16, 17, 48, 64, 100])
def test_group_norm_divides_any_number_of_channels(channels):
    norm = make_norm(ModelSpec(norm="group"), channels)
    y = norm(torch.randn(2, channels, 4, 4))
    groups = y.view(2, norm.num_groups, -1)
    assert torch.allclose(groups.mean(-1), torch.zeros(2, norm.num_groups), atol=1e-5)
