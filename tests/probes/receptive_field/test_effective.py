"""Oracles: convolution powers worked out with NumPy, and the theoretical field."""

import numpy as np
import pytest
import torch
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.receptive_field.effective import (
    EffectiveField,
    effective_receptive_field,
    effective_receptive_fields,
    noise,
)
from resviz.probes.receptive_field.theoretical import receptive_field
from tests.probes.example_nets import cifar, left_as_found


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
    """n kernels of k equal weights.

    Variance n (k^2 - 1) / 12 (section 2.3), of their square's bell half of it.
    """
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


def test_the_deviations_are_those_of_the_energy_as_a_distribution_of_places():
    energy = np.zeros((5, 9), np.float32)
    energy[1, 2], energy[3, 2], energy[1, 8], energy[3, 8] = 0.375, 0.375, 0.125, 0.125
    found = EffectiveField("layer", (0, 0), energy, (5, 9), (1, 2, 3), (1.0, 1.0))
    assert found.deviations == pytest.approx(
        (1.0, (0.75 * 0.25) ** 0.5 * 6)
    )  # two places six apart, 3 to 1


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
