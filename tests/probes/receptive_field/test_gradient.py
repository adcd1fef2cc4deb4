"""Squared gradients of single units, against autograd channel by channel."""

import numpy as np
import torch
from torch import Tensor, nn

from resviz.probes.receptive_field.effective import effective_receptive_field, noise
from tests.probes.example_nets import Functional, cifar, picture, seeded


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
