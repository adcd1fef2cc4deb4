"""What can be folded shows in what passes through the layers, not in their classes."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import prune

from resviz.errors import ProbeError
from resviz.probes.batchnorm.fold_pairs import find_folds, is_close
from tests.probes.batchnorm.test_layers import NormAct
from tests.probes.example_nets import left_as_found, picture, trained_like

X = picture(12, batch=2)


class Standardised(nn.Conv2d):
    """A convolution that standardises its weights (Qiao et al. 2019, 1903.10520)."""

    def forward(self, x: Tensor) -> Tensor:
        mean = self.weight.mean((1, 2, 3), keepdim=True)
        std = self.weight.std((1, 2, 3), keepdim=True)
        weight = (self.weight - mean) / (std + 1e-5)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


class Twice(nn.BatchNorm2d):
    """Does something after it has normalised that is none of its modules."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).abs()


class Shared(nn.Module):
    """Two norms behind one convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.first, self.second = nn.BatchNorm2d(4), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return self.first(y) + self.second(y)


def pruned() -> nn.Module:
    conv = nn.Conv2d(3, 4, 3)
    prune.l1_unstructured(conv, "weight", 0.5)
    return conv


KEPT = {
    "standardised": (
        lambda: nn.Sequential(Standardised(3, 4, 3), nn.BatchNorm2d(4)),
        "is not one in its output",
    ),
    "weight norm": (
        lambda: nn.Sequential(
            nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4)
        ),
        "computed from other numbers",
    ),
    "pruned": (lambda: nn.Sequential(pruned(), nn.BatchNorm2d(4)), "computed from other numbers"),
    "more than a norm": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), Twice(4)),
        "more than normalise and activate",
    ),
    "no statistics": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)),
        "no running statistics",
    ),
    "no convolution": (lambda: nn.Sequential(nn.BatchNorm2d(3)), "No convolution gives its input"),
    "two norms": (Shared, "Something else uses the output of conv as well"),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_cannot_be_folded_is_left_alone_with_the_reason(name: str):
    make, says = KEPT[name]
    model = make().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_var is not None:
            module.running_var.uniform_(2, 3)
    with left_as_found(model), pytest.raises(ProbeError, match=says):
        find_folds(model, X)


@pytest.mark.parametrize("act", [nn.ReLU(), nn.SiLU(), nn.LeakyReLU(0.2, inplace=True)])
def test_an_activation_inside_the_norm_stays(act: nn.Module):
    model = trained_like(nn.Sequential(nn.Conv2d(3, 4, 3), NormAct(4, act)))
    with left_as_found(model):
        (fold,) = find_folds(model, X).folds
    assert fold.activates


def test_a_norm_with_an_activation_that_does_nothing_is_just_a_norm():
    model = trained_like(nn.Sequential(nn.Conv2d(3, 4, 3), NormAct(4, nn.Identity())))
    (fold,) = find_folds(model, X).folds
    assert not fold.activates


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_convolutions_of_every_dimension_fold(dimensions: int):
    conv = getattr(nn, f"Conv{dimensions}d")(3, 4, 3)
    norm = getattr(nn, f"BatchNorm{dimensions}d")(4)
    norm.running_var.uniform_(0.5, 2)
    x = torch.randn(2, 3, *[6] * dimensions)
    (fold,) = find_folds(nn.Sequential(conv, norm).eval(), x).folds
    assert (fold.convolution, fold.norm) == ("0", "1")


def test_outputs_are_close_up_to_rounding_of_their_type():
    x = torch.tensor([1.0, 100.0])
    assert is_close(x, x + 1e-3)
    assert not is_close(x, x + 1.0)
    assert not is_close(x.double(), x.double() + 1e-3)
    assert not is_close(x, x[:1])
    assert is_close(torch.tensor([float("inf"), 1.0]), torch.tensor([float("inf"), 1.0]))
    assert is_close(x[:0], x[:0])
