import numpy as np
import pytest
import torch

from resviz.probes.attribution.methods import attribute
from tests.probes.example_nets import (
    Tiny,
    cifar,
    picture,
)


def test_saliency_is_the_largest_absolute_slope_over_the_colours():
    model, x = cifar(), picture(32).requires_grad_()
    (gradient,) = torch.autograd.grad(model(x)[0, 5], x)
    found = attribute(model, x.detach(), "saliency", 5)
    np.testing.assert_allclose(found.map, gradient[0].abs().amax(0), rtol=1e-5)
    assert (found.layer, found.map.shape, found.input_size) == (None, (32, 32), (32, 32))


def test_integrated_gradients_sum_to_the_rise_of_the_score_from_grey():
    model, x = cifar(activation="gelu"), picture(32)
    with torch.no_grad():
        rise = (model(x) - model(torch.zeros_like(x)))[0, 2].item()
    assert attribute(model, x, "integrated-gradients", 2).map.sum() == pytest.approx(rise, rel=1e-3)


def test_integrated_gradients_of_a_linear_network_are_input_times_weight():
    x = picture(6)
    expected = (x[0] * torch.tensor([2.0, -3.0, 1.0])[:, None, None] / 36).sum(0)
    found = attribute(Tiny([[0.0, 0.0, 0.0], [2.0, -3.0, 1.0]]), x, "integrated-gradients", 1).map
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("side", [14, 17])
def test_occlusion_is_the_mean_fall_of_the_score_over_the_windows_of_a_pixel(side: int):
    model, x = cifar(), picture(side)
    with torch.no_grad():
        whole = model(x)[0, 1].item()
        falls, counts = np.zeros((side, side)), np.zeros((side, side))
        for top in range(0, side - 1):
            for left in range(0, side - 1):
                covered = x.clone()
                covered[..., top : top + 2, left : left + 2] = 0
                falls[top : top + 2, left : left + 2] += whole - model(covered)[0, 1].item()
                counts[top : top + 2, left : left + 2] += 1
    found = attribute(model, x, "occlusion", 1).map
    np.testing.assert_allclose(found, falls / counts, atol=1e-4 * np.abs(falls / counts).max())
    assert (found < 0).any()
