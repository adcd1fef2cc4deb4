"""Oracles: convolution powers worked out with NumPy, the gradient of each channel from autograd, uncropped runs."""

from math import prod

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.receptive_field.effective import (
    SHARES,
    EffectiveField,
    areas,
    effective_receptive_field,
    effective_receptive_fields,
    gaussian_width,
    noise,
)
from resviz.probes.receptive_field.theoretical import receptive_field
from tests.probes.example_nets import Functional, cifar, imagenet, left_as_found, picture, seeded


def box_blurs(count: int, kernel: int = 3) -> nn.Sequential:
    """Convolutions of one channel with equal weights."""
    net = nn.Sequential(nn.Conv2d(3, 1, 1, bias=False))
    for _ in range(count):
        net.append(nn.Conv2d(1, 1, kernel, padding=kernel // 2, bias=False))
    for parameter in net.parameters():
        parameter.data.fill_(1 / parameter[0].numel())
    return net


def repeated(box: int, times: int) -> np.ndarray:
    found = np.ones(1)
    for _ in range(times):
        found = np.convolve(found, np.ones(box) / box)
    return found


@pytest.mark.parametrize(("kernel", "count"), [(3, 1), (3, 4), (5, 3), (3, 12)])
def test_a_stack_of_equal_weights_gives_the_squared_convolution_power(kernel: int, count: int):
    side = 41
    found = effective_receptive_field(box_blurs(count, kernel), noise(2, side), str(count))
    line = repeated(kernel, count) ** 2
    expected = np.outer(line, line) / line.sum() ** 2
    start = (side - len(line)) // 2
    assert found.unit == (20, 20)
    assert found.theoretical == expected.shape == (len(line), len(line))
    inside = found.energy[start : start + len(line), start : start + len(line)]
    np.testing.assert_allclose(inside, expected, rtol=2e-4, atol=1e-9)
    assert found.energy.sum() == pytest.approx(1, abs=1e-5)
    assert inside.sum() == pytest.approx(found.energy.sum())
    spread = ((np.arange(len(line)) - len(line) // 2) ** 2 * line).sum() / line.sum()
    assert found.widths[0] == pytest.approx(spread**0.5, rel=0.12)  # it is no perfect bell


def test_the_width_is_that_of_luo_et_al_and_grows_like_the_square_root_of_depth():
    """n kernels of k equal weights: variance n (k^2 - 1) / 12 (section 2.3), of their square's bell half of it."""
    widths = []
    for count in (20, 80):
        widths.append(
            effective_receptive_field(box_blurs(count), noise(1, 165), str(count)).widths[0]
        )
        assert widths[-1] == pytest.approx((count * 8 / 12 / 2) ** 0.5, rel=0.02)
    assert widths[1] / widths[0] == pytest.approx(2, rel=0.02)


def test_the_share_of_the_theoretical_field_shrinks_with_depth_and_skips_shrink_it_more():
    ratios = [
        effective_receptive_field(box_blurs(n), noise(1, 97), str(n)).ratio for n in (5, 20, 45)
    ]
    assert ratios == sorted(ratios, reverse=True)
    plain, residual = (
        effective_receptive_field(cifar(20, family=family), noise(8, 32), "layer2").size
        for family in ("plain", "residual")
    )
    assert residual < plain


class Summed(nn.Module):
    def __init__(self, one: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.one, self.other = one, other

    def forward(self, x: Tensor) -> Tensor:
        return self.one(x) + self.other(x)


def small() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return nn.Sequential(
            nn.Conv2d(3, 5, 3, 2, 1), nn.ReLU(), nn.Conv2d(5, 4, 3, padding=1), nn.BatchNorm2d(4)
        ).eval()


def mean_over_channels(model: nn.Module, x: Tensor, unit: tuple[int, int]) -> np.ndarray:
    """Squared gradient of every channel by itself, as the definition says."""
    x = x.clone().requires_grad_()
    output = model(x)
    energy = torch.zeros(x.shape[2:], dtype=torch.float64)
    for channel in range(output.shape[1]):
        (gradient,) = torch.autograd.grad(output[:, channel, *unit].sum(), x, retain_graph=True)
        energy += gradient.double().square().sum((0, 1))
    return (energy / energy.sum()).numpy()


def test_random_signs_give_the_average_over_channels():
    model, x = small(), picture(24, batch=2)
    expected = mean_over_channels(model, x, (6, 6))
    found = effective_receptive_field(model, x, "3", draws=1500)
    assert found.unit == (6, 6)
    assert np.abs(found.energy - expected).sum() < 0.03
    once = effective_receptive_field(model, x, "3").energy
    assert np.abs(once - expected).sum() > 0.1, "the comparison can fail"


def test_one_channel_needs_no_signs_and_any_unit_can_be_asked_for():
    model = nn.Sequential(small(), nn.Conv2d(4, 1, 1))
    x = picture(24, batch=3)
    for unit in ((6, 6), (0, 11), (3, 2)):
        found = effective_receptive_field(model, x, "1", unit, batch=2)
        assert found.unit == unit
        np.testing.assert_allclose(found.energy, mean_over_channels(model, x, unit), atol=1e-7)


def test_the_deviations_are_those_of_the_energy_as_a_distribution_of_places():
    energy = np.zeros((5, 9), np.float32)
    energy[1, 2], energy[3, 2], energy[1, 8], energy[3, 8] = 0.375, 0.375, 0.125, 0.125
    found = EffectiveField("layer", (0, 0), energy, (5, 9), (1, 2, 3), (1.0, 1.0))
    assert found.deviations == pytest.approx(
        (1.0, (0.75 * 0.25) ** 0.5 * 6)
    )  # two places six apart, 3 to 1


def test_cropping_to_the_field_changes_no_bit():
    """Where oneDNN takes the same routine for both sizes of picture; else the last bit of some sums."""
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


def test_no_energy_lies_outside_the_theoretical_field():
    model, x = cifar(8), noise(4, 96)
    for field in receptive_field(model, ["layer1.0", "layer2.0", "layer3.0"], 96):
        found = effective_receptive_field(model, x, field.name)
        rows, columns = found.energy.nonzero()
        for axis, places in enumerate((rows, columns)):
            first = field.start[axis] + found.unit[axis] * field.stride[axis]
            assert first <= places.min() <= places.max() < first + field.size[axis]
        assert found.theoretical == field.size
        assert found.size <= min(field.size)


def test_all_layers_at_once_are_each_layer_by_itself():
    model, x = cifar(8), noise(2, 32)
    found = effective_receptive_fields(model, x)
    assert list(found) == [field.name for field in receptive_field(model, input_size=32)]
    for layer in ("conv1", "layer2.0.add", "avgpool"):
        alone = effective_receptive_field(model, x, layer)
        np.testing.assert_allclose(found[layer].energy, alone.energy, atol=1e-7)


def test_the_areas_are_counts_of_the_strongest_pixels():
    share = np.array([[0.4, 0.3], [0.2, 0.1]])
    assert SHARES == (0.5, 0.95, 0.997)
    assert areas(share) == (2, 4, 4)
    assert areas(np.full((8, 16), 1 / 128)) == (64, 122, 128)
    found = effective_receptive_field(cifar(8), noise(2, 32), "layer2.0")
    assert found.size == found.areas[1] ** 0.5
    assert found.ratio == pytest.approx(found.size / prod(found.theoretical) ** 0.5)


@pytest.mark.parametrize("width", [0.8, 2.5, 7.0])
def test_a_gaussian_gets_its_own_width_back_off_the_grid_and_in_noise(width: float):
    places = np.arange(80)
    bell = np.exp(-0.5 * ((places - 37.3) / width) ** 2)
    assert gaussian_width(bell) == pytest.approx(width, rel=1e-6)
    noisy = bell * np.random.default_rng(0).uniform(0.9, 1.1, 80) + 1e-4
    assert gaussian_width(noisy) == pytest.approx(width, rel=0.1)


def test_what_is_no_bell_gets_its_standard_deviation():
    assert gaussian_width(np.array([0.0, 1.0, 0.0])) == 0
    assert gaussian_width(np.ones(12)) == pytest.approx(((12**2 - 1) / 12) ** 0.5)
    assert gaussian_width(np.array([1.0, 0.1, 1.0])) == pytest.approx((2 / 2.1) ** 0.5)


def test_the_network_runs_only_as_deep_as_the_layer():
    model = nn.Sequential(cifar(8).conv1, nn.Identity())
    runs: list[object] = []
    model[1].register_forward_hook(lambda *run: runs.append(run))
    effective_receptive_field(model, noise(1, 32), "0")
    assert len(runs) == 1, "to follow the fields, with nothing computed"


def test_a_module_that_runs_twice_counts_as_it_ran_last():
    model, x = seeded(Functional).eval(), noise(2, 32)
    found = effective_receptive_field(model, x, "twice")
    assert found.theoretical == (11, 11)
    rows, _ = found.energy.nonzero()
    assert rows.max() - rows.min() == 10


def test_the_model_is_left_as_it_was_found():
    model = cifar(8).train()
    model.conv1.weight.requires_grad_(False)
    x = noise(2, 32)
    with left_as_found(model):
        effective_receptive_fields(model, x, ["layer1", "layer2"])
    with left_as_found(model), pytest.raises(ProbeError):
        effective_receptive_field(model, x, "fc")
    assert not x.requires_grad


def dead() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3))
    model[0].bias.data.fill_(-1000)
    return model


def test_a_unit_that_no_pixel_moves_is_a_sentence_and_none_among_many():
    with pytest.raises(
        ProbeError,
        match=r"no pixel moves the unit in row 14, column 14 of 2: .* choose another unit",
    ):
        effective_receptive_field(dead(), noise(1, 32), "2")
    found = effective_receptive_fields(dead(), noise(1, 32))
    assert found["0"] is not None
    assert found["1"] is found["2"] is None


@pytest.mark.parametrize(
    ("layer", "unit", "told"),
    [
        ("fc", None, "fc has no spatial output .*; choose"),
        ("nope", None, "no layer 'nope'"),
        ("layer3", (8, 0), "layer3 has 8 x 8 units, none in row 8, column 0"),
        ("layer3", (0, -1), "none in row 0, column -1"),
    ],
)
def test_a_refusal_is_a_sentence(layer: str, unit: tuple[int, int] | None, told: str):
    with pytest.raises(ProbeError, match=told):
        effective_receptive_field(cifar(8), noise(1, 32), layer, unit)


def test_noise_is_the_same_for_the_same_seed():
    assert torch.equal(noise(2, 8, 5), noise(2, 8, 5))
    assert not torch.equal(noise(2, 8, 5), noise(2, 8, 6))
