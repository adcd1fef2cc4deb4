"""Which layers normalise, and true sentences about networks where none is a BatchNorm."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import resnet18
from torchvision.ops import FrozenBatchNorm2d

from resviz.errors import ProbeError
from resviz.probes.batchnorm.layers import (
    affine_layers,
    array,
    batch_norm,
    batch_norms,
    check_batch,
    check_images,
    has_batch_norm,
    normalised,
    rectifies,
    without_batch_norm,
)
from tests.probes.example_nets import cifar, picture


class NormAct(nn.BatchNorm2d):
    """As timm's BatchNormAct2d: it goes on with an activation of its own."""

    def __init__(self, channels: int, act: nn.Module) -> None:
        super().__init__(channels)
        self.act = act

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(super().forward(x))


def test_every_batch_norm_is_found_by_its_name():
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Sequential(nn.SyncBatchNorm(3), nn.GroupNorm(1, 3)))
    assert list(batch_norms(model)) == ["0", "1.0"]
    assert batch_norm(model, "1.0") is model[1][0]
    assert has_batch_norm(model)
    assert not has_batch_norm(nn.Sequential(nn.GroupNorm(1, 3)))


def test_another_layer_is_refused_with_an_example():
    with pytest.raises(ProbeError, match="fc is no BatchNorm layer"):
        batch_norm(cifar(8), "fc")


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (nn.Sequential(nn.Linear(1, 1)), r"no other normalisation \(or it was folded into the"),
        (nn.Sequential(nn.Conv2d(1, 1, 1)), "a bias of their own: 1."),
        (nn.Sequential(nn.LayerNorm(3), nn.LayerNorm(3)), r"with LayerNorm \(2\), by no running"),
        (nn.Sequential(nn.InstanceNorm2d(3, affine=True)), r"with InstanceNorm2d \(1\), by no"),
        (nn.Sequential(FrozenBatchNorm2d(3)), r"is frozen \(FrozenBatchNorm2d \(1\)\): it uses"),
        (
            nn.Sequential(nn.InstanceNorm2d(3, track_running_stats=True)),
            r"InstanceNorm2d \(1\)\): it uses stored statistics",
        ),
    ],
)
def test_what_there_is_instead_is_said_truly(model: nn.Module, says: str):
    with pytest.raises(ProbeError, match=says):
        batch_norms(model)
    assert str(without_batch_norm(model)).count("This network") == 1


def test_a_detector_s_backbone_with_frozen_batch_norm_says_that_it_is_frozen():
    model = resnet18(norm_layer=FrozenBatchNorm2d)
    assert "FrozenBatchNorm2d (20)" in without_batch_norm(model)


def test_affine_layers_are_other_norms_and_convolutions_with_a_bias():
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 1, bias=False), nn.GroupNorm(1, 4))
    conv, group = affine_layers(model)
    assert (conv.layer, conv.kind, conv.gamma) == ("0", "Conv2d", None)
    np.testing.assert_array_equal(conv.beta, model[0].bias.detach().double().numpy())
    assert (group.layer, group.gamma.tolist(), group.beta.tolist()) == ("2", [1] * 4, [0] * 4)


def test_a_norm_without_an_activation_gives_its_output_itself():
    norm, x = nn.BatchNorm2d(3).eval(), picture(8)
    after = norm(x)
    assert normalised(norm, x, after) is after
    assert not rectifies(after, after)


@pytest.mark.parametrize(
    ("act", "cuts"), [(nn.ReLU(), True), (nn.ReLU6(), True), (nn.SiLU(), False)]
)
def test_what_a_norm_with_an_activation_normalises_is_worked_out(act: nn.Module, cuts: bool):
    norm, x = NormAct(3, act).eval(), picture(8)
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    expected = nn.BatchNorm2d.forward(norm, x)
    after = norm(x)
    values = normalised(norm, x, after)
    torch.testing.assert_close(values, expected)
    assert rectifies(values, after) is cuts


@pytest.mark.parametrize("x", [torch.zeros(0, 3, 2, 2), torch.full((1, 3, 2, 2), float("nan"))])
def test_images_that_say_nothing_are_refused(x: torch.Tensor):
    with pytest.raises(ProbeError, match=r"empty|not finite"):
        check_images(x)


def test_one_value_a_channel_has_no_variance():
    check_batch("bn", torch.zeros(2, 3))
    with pytest.raises(ProbeError, match="gives bn one value per channel"):
        check_batch("bn", torch.zeros(1, 3, 1, 1))


def test_an_array_is_a_copy_that_keeps_its_numbers():
    tensor = torch.tensor([0.1, 0.2], dtype=torch.float64)
    numbers = array(tensor)
    tensor.zero_()
    assert numbers.tolist() == [0.1, 0.2]
