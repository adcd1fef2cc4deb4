"""Running only the pixels that a unit sees gives the numbers of the whole image."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resviz.probes.receptive_field.crop import Planner
from resviz.probes.receptive_field.effective import effective_receptive_field
from resviz.probes.receptive_field.follow import follow
from tests.probes.example_nets import cifar, imagenet, picture


def test_cropping_to_the_field_changes_no_bit():
    """Where oneDNN takes the same routine for both sizes of picture.

    Else the last bit of some sums.
    """
    model, x = imagenet(18), picture(224, batch=2)
    for layer in ("conv1", "maxpool", "layer1.0.branch", "layer1.1", "layer2.0.conv1"):
        cropped = effective_receptive_field(model, x, layer)
        whole = effective_receptive_field(model, x, layer, crop=False)
        assert np.array_equal(cropped.energy, whole.energy), layer
        assert (cropped.areas, cropped.widths) == (whole.areas, whole.widths)


@pytest.mark.parametrize("unit", [(5, 5), (0, 7), (0, 0)])
def test_cropping_gives_every_unit_of_every_layer_the_same_energy(unit: tuple[int, int]):
    model, x = cifar(14), picture(64, batch=2)
    for layer in (
        "conv1",
        "layer1.1.add",
        "layer2.0.shortcut",
        "layer2.1",
        "layer3.0.bn1",
        "layer3",
    ):
        cropped = effective_receptive_field(model, x, layer, unit)
        whole = effective_receptive_field(model, x, layer, unit, crop=False)
        np.testing.assert_allclose(cropped.energy, whole.energy, atol=1e-6 * whole.energy.max())


class Squeeze(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * x.mean((2, 3), keepdim=True).sigmoid()


class Permuted(nn.Module):
    """Channels last inside, as in ConvNeXt."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.permute(0, 2, 3, 1))


class Placed(nn.Module):
    """A number for each place is added."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.linspace(-3, 3, 24 * 24).view(24, 24))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x + self.place)


class Cut(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, 3:-5]


class Asserts(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-1] == 24
        return x


BETWEEN = [
    Squeeze(),
    nn.GroupNorm(2, 4),
    nn.InstanceNorm2d(4),
    nn.LayerNorm((4, 24, 24)),
    Permuted(),
    Placed(),
    Cut(),
    Asserts(),
    nn.Sequential(nn.AvgPool2d(9), nn.AdaptiveAvgPool2d(6)),
    nn.Upsample(scale_factor=1.5),
    nn.ConvTranspose2d(4, 4, 3, 2),
    nn.ZeroPad2d((-2, 3, 1, -2)),
    nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
    nn.MaxPool2d(3, 2, ceil_mode=True),
    nn.AvgPool2d(2, 2, 1),
]


@pytest.mark.parametrize("between", BETWEEN, ids=lambda module: type(module).__name__)
def test_what_depends_on_the_size_of_the_map_comes_out_as_without_cropping(between: nn.Module):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), between, nn.Identity()).eval()
    x = picture(24, batch=2)
    for unit in (None, (1, 0)):
        cropped = effective_receptive_field(model, x, "2", unit)
        whole = effective_receptive_field(model, x, "2", unit, crop=False)
        np.testing.assert_array_equal(cropped.energy, whole.energy)


class Same(nn.Conv2d):
    """TensorFlow's padding: as much as the size of the map needs, the odd one behind."""

    def forward(self, x: Tensor) -> Tensor:
        added = [
            max((-(-n // s) - 1) * s + k - n, 0)
            for n, s, k in zip(x.shape[-2:], self.stride, self.kernel_size, strict=True)
        ]
        sides = [(amount // 2, amount - amount // 2) for amount in reversed(added)]
        return F.conv2d(F.pad(x, [*sides[0], *sides[1]]), self.weight, self.bias, self.stride)


class ByHalf(nn.Module):
    """Cuts a border whose width is a share of the map's."""

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (x.shape[-1] // 8, 0, x.shape[-2] // 8, 0))


SIZE_DEPENDENT = {
    "even": [Same(3, 4, 3, 2), nn.ReLU(), Same(4, 4, 3, 2)],
    "five": [Same(3, 4, 5, 2), nn.ReLU(), Same(4, 4, 3, 2), nn.ReLU(), Same(4, 4, 3, 2)],
    "share": [ByHalf(), nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.Conv2d(4, 4, 3)],
}


@pytest.mark.parametrize("side", [61, 64, 66])
@pytest.mark.parametrize("name", SIZE_DEPENDENT)
def test_padding_that_depends_on_the_size_of_the_image_moves_no_field(name: str, side: int):
    model, x = nn.Sequential(*SIZE_DEPENDENT[name]).double(), picture(side, batch=2).double()
    last = str(len(model) - 1)
    for unit in (None, (4, 5), (6, 3)):
        cropped = effective_receptive_field(model, x, last, unit).energy
        whole = effective_receptive_field(model, x, last, unit, crop=False).energy
        np.testing.assert_allclose(cropped, whole, atol=1e-6 * whole.max())


def test_a_crop_that_a_network_sees_as_the_whole_image_is_taken():
    planner = Planner(cifar(8), follow(cifar(8), ["layer1"], (64, 64)), (64, 64))
    top, bottom, left, right = planner.plan("layer1", (32, 20)).box
    assert (bottom - top, right - left) == (7, 7)
    same = nn.Sequential(*SIZE_DEPENDENT["even"])
    planner = Planner(same, follow(same, ["2"], (64, 64)), (64, 64))
    assert planner.plan("2", (7, 8)).box != (0, 64, 0, 64), "its size leaves the same rest"
