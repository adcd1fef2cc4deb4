"""Derivatives are autograd's, autocorrelations are those of known sequences, and depth shatters
plain networks only.
"""

import numpy as np
import pytest
import torch

from resviz.errors import ProbeError
from resviz.probes.gradient_flow.shattering import (
    LAGS,
    POINTS,
    WIDTH,
    autocorrelation,
    derivative,
    line,
    noise,
    shattering,
)


def by_autograd(kind: str, depth: int, seed: int, beta: float) -> np.ndarray:
    """The same network in torch; mean and deviation over the line are constants."""
    rng = np.random.default_rng(seed)
    slope, offset = torch.tensor(rng.standard_normal((2, WIDTH)))
    x = torch.linspace(-2, 2, POINTS, dtype=torch.double).requires_grad_()
    h = x[:, None] * slope + offset
    for _ in range(depth):
        W = torch.tensor(rng.standard_normal((WIDTH, WIDTH)) * np.sqrt(2 / WIDTH))
        with torch.no_grad():
            mean, std = h.mean(0), h.std(0, correction=0)
        branch = torch.relu((h - mean) / std) @ W
        h = h + beta * branch if kind == "residual" else branch
    out = h @ torch.tensor(rng.standard_normal(WIDTH)) / np.sqrt(WIDTH)
    return torch.autograd.grad(out.sum(), x)[0].numpy()


@pytest.mark.parametrize("kind", ["plain", "residual"])
@pytest.mark.parametrize(("depth", "beta"), [(1, 1.0), (6, 0.3)])
def test_the_derivative_is_autograds(kind, depth, beta):
    np.testing.assert_allclose(
        derivative(kind, depth, 3, beta), by_autograd(kind, depth, 3, beta), rtol=1e-8
    )


def test_autocorrelation_of_known_sequences():
    wave = autocorrelation(np.cos(np.arange(64) * np.pi / 2))  # 1, 0, -1, 0, ...
    np.testing.assert_allclose(wave[:5], [1, 0, -62 / 64, 0, 60 / 64], atol=1e-12)
    assert autocorrelation(np.arange(4.0).repeat(8)).shape == (LAGS + 1,)
    assert not autocorrelation(np.full(POINTS, 3.0)).any()
    moved = np.random.default_rng(0).standard_normal(POINTS)
    np.testing.assert_allclose(autocorrelation(moved), autocorrelation(5 * moved + 7))


def test_noise_is_white_or_brown():
    white, brown = noise("white"), noise("brown")
    assert np.abs(white.mean[1:]).max() < 0.05
    assert brown.mean[1] > 0.9
    np.testing.assert_allclose(np.diff(brown.derivative), white.derivative[1:])


def test_depth_shatters_a_plain_network_into_white_noise_and_leaves_a_residual_one_alike():
    """Balduzzi et al. 2017, Figure 2."""
    shallow, deep = shattering("plain", 1, 2), shattering("plain", 24, 2)
    residual = shattering("residual", 24, 2)
    assert shallow.mean[1] > 0.95
    assert abs(deep.mean[1]) < 0.15
    assert residual.mean[1] > 0.6
    assert shattering("residual", 24, 2, beta=0.1).mean[1] > residual.mean[1]


def test_one_seed_has_no_deviation_and_the_same_seed_the_same_numbers():
    found = shattering("plain", 2, 1)
    assert not found.std.any()
    np.testing.assert_array_equal(found.derivative, derivative("plain", 2, 0))
    assert (found.x == line()).all()
    assert (found.x[0], found.x[-1]) == (-2, 2)


@pytest.mark.parametrize(("kind", "depth"), [("dense", 3), ("plain", 0), ("plain", 1001)])
def test_networks_that_cannot_be_are_refused(kind, depth):
    with pytest.raises(ProbeError, match=str(depth)):
        derivative(kind, depth, 0)
    with pytest.raises(ProbeError, match="white or brown"):
        noise("pink")
