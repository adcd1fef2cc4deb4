"""Norms, means and standard deviations against float64 and against cases worked by hand."""

import numpy as np
import pytest
import torch

from resviz.probes.core.statistics import (
    by_layer,
    channel_sums,
    cosine,
    dot,
    mean_and_square,
    means_and_stds,
    norm,
    over_places,
    std,
    std_of,
)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1.0, 1e20, 1e30])
def test_norms_and_products_of_float32_survive_squares_that_do_not(scale: float):
    t = torch.tensor([3.0, 4.0]) * scale
    assert norm(t) == pytest.approx(5 * scale, rel=1e-6)
    assert dot(t, t) == pytest.approx(25 * scale * scale, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-250, 1e-170, 1e170, 1e250])
def test_norms_of_float64_survive_squares_that_do_not(scale: float):
    t = torch.tensor([3.0, -4.0], dtype=torch.float64) * scale
    assert norm(t) == pytest.approx(5 * scale, rel=1e-12)
    assert std(t) == pytest.approx(3.5 * scale, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-250, 1e-170, 1e-20, 1.0, 1e170])
def test_a_cosine_is_that_of_the_directions_whatever_the_lengths(scale: float):
    a, b = noise(50).double(), noise(60)[10:].double()
    expected = float(a @ b / a.norm() / b.norm())
    assert cosine(a * scale, b * scale) == pytest.approx(expected, rel=1e-12)
    assert cosine(a * scale, -3 * a * scale) == pytest.approx(-1, rel=1e-12)
    assert cosine(a, torch.zeros(50)) == 0


def test_norms_of_nothing_zero_infinity_and_nan():
    assert norm(torch.zeros(3)) == norm(torch.zeros(0)) == 0
    assert norm(torch.tensor([1.0, torch.inf])) == np.inf
    assert np.isnan(norm(torch.tensor([1.0, torch.nan])))


@pytest.mark.parametrize(("shift", "scale"), [(0, 1), (1000, 1), (0, 1e-20), (0, 1e25), (3, 1e-25)])
def test_std_equals_the_definition_in_float64(shift: float, scale: float):
    t = noise(1000) * scale + shift
    assert std(t) == pytest.approx(t.double().std(correction=0).item(), rel=1e-4)


def test_a_constant_has_no_spread():
    assert std(torch.full((7,), 2.5)) == 0
    assert std(torch.tensor([3.0])) == 0


@pytest.mark.parametrize("shift", [0.0, 3.0, -50.0])
def test_std_of_mean_and_square_equals_the_definition(shift: float):
    values = noise(4, 5, 6) + shift
    expected = values.double().std(unbiased=False).item()
    assert std_of(mean_and_square(values)).item() == pytest.approx(expected, rel=1e-3)


def test_pairs_of_halves_averaged_give_the_std_of_the_whole():
    values = noise(8, 30)
    pair = (mean_and_square(values[:4]) + mean_and_square(values[4:])) / 2
    assert std_of(pair).item() == pytest.approx(values.std(correction=0).item(), rel=1e-4)


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 5), (2, 3, 4, 5), (2, 3, 2, 2, 2)])
def test_channels_are_those_of_numpy_in_any_number_of_dimensions(shape: tuple[int, ...]):
    x = noise(*shape)
    over = tuple(dim for dim in range(len(shape)) if dim != 1)
    mean, variance = over_places(x)
    assert mean.numpy() == pytest.approx(x.double().numpy().mean(over), abs=1e-6)
    assert variance.numpy() == pytest.approx(x.double().numpy().var(over), rel=1e-5)


def test_channels_of_float64_keep_its_digits_and_constants_have_no_variance():
    x = noise(2, 1, 4, 4).double() * 1e-9 + 1
    assert over_places(x)[1].item() == pytest.approx(x.numpy().var(), rel=1e-6)
    assert over_places(torch.full((3, 1, 7), 0.1))[1].item() == 0


def test_channels_of_several_maps_come_in_one_row():
    maps = [noise(3, 4, 4) + 5, noise(2, 7, 7) * 1e25]
    mean, spread = means_and_stds([channel_sums(values) for values in maps])
    rows = [row.double() for values in maps for row in values.flatten(1)]
    assert mean == pytest.approx([row.mean().item() for row in rows], rel=1e-5)
    assert spread == pytest.approx([row.std(correction=0).item() for row in rows], rel=1e-4)


def test_means_by_layer_of_a_case_worked_by_hand():
    values = np.array([[1.0, 3.0, 5.0, 5.0, 5.0, 2.0]])
    means, stds = by_layer(values, [2, 3, 1])
    assert means.tolist() == [[2.0, 5.0, 2.0]]
    assert stds.tolist() == [[1.0, 0.0, 0.0]]
