"""What batches brought to a running average against the statistics that those batches had."""

import numpy as np
import pytest
import torch
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.running_average import MOMENTUM, STARTS, brought, left_of_start


def test_what_a_batch_brought_is_its_own_mean_and_unbiased_variance():
    norm = nn.BatchNorm2d(3).train()
    assert norm.momentum == MOMENTUM
    assert (float(norm.running_mean[0]), float(norm.running_var[0])) == (
        STARTS["bn_mean"],
        STARTS["bn_variance"],
    )
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randn(4, 3, 5, 5, generator=generator) * (i + 1) + i for i in range(6)]
    means, variances = [], []
    for batch in batches:
        norm(batch)
        means.append(norm.running_mean.numpy().copy())
        variances.append(norm.running_var.numpy().copy())
    expected = np.stack([batch.mean((0, 2, 3)).numpy() for batch in batches])
    np.testing.assert_allclose(brought(np.stack(means), 0.0), expected, rtol=1e-4, atol=1e-5)
    expected = np.stack([batch.transpose(0, 1).flatten(1).var(1).numpy() for batch in batches])
    np.testing.assert_allclose(brought(np.stack(variances), 1.0), expected, rtol=1e-4)


def test_worked_by_hand_one_step_from_zero_to_a_tenth_is_one():
    np.testing.assert_allclose(brought(np.array([[0.1], [0.29]]), 0.0), [[1.0], [2.0]])


def test_after_ten_steps_a_third_of_the_start_is_left():
    average = 1.0
    for _ in range(10):
        average = 0.9 * average + 0.1 * 0.0
    assert left_of_start(10) == pytest.approx(average)
    assert left_of_start(10) == pytest.approx(0.349, abs=5e-4)
    assert left_of_start(0) == 1


@pytest.mark.parametrize("momentum", [0.0, 1.5])
def test_a_momentum_that_cannot_be_is_refused(momentum):
    with pytest.raises(ProbeError, match="above 0 and is at most 1"):
        brought(np.zeros((2, 1)), 0.0, momentum)
