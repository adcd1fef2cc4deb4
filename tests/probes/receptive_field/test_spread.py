"""Areas and widths of distributions, by hand."""

from math import prod

import numpy as np
import pytest

from resviz.probes.receptive_field.effective import (
    SHARES,
    areas,
    effective_receptive_field,
    gaussian_width,
    noise,
)
from tests.probes.example_nets import cifar


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
