"""BatchNorm by hand: worked numbers, and nn.BatchNorm2d to the last bit of float32."""

import numpy as np
import pytest
import torch
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.worked_example import batchnorm_by_hand, read_batch


def hand(x, gamma=1.0, beta=0.0, mean=0.0, variance=1.0, **more):
    x = np.array(x, dtype=float)
    columns = (
        np.broadcast_to(np.asarray(v, float), x.shape[1]).copy()
        for v in (gamma, beta, mean, variance)
    )
    return batchnorm_by_hand(x, *columns, **more)


def test_a_batch_of_two_worked_out_on_paper():
    """2 and 6: mean 4, variance 4 and 8, x_hat -1 and 1; gamma 3, beta 1 give -2 and 4."""
    found = hand([[2.0], [6.0]], 3.0, 1.0, eps=0.0)
    assert (found.mean, found.variance, found.unbiased, found.std) == (4, 4, 8, 2)
    assert found.centred.tolist() == [[-2], [2]]
    assert found.x_hat.tolist() == [[-1], [1]]
    assert found.y.tolist() == [[-2], [4]]
    assert found.running_mean == pytest.approx(0.4)
    assert found.running_variance == pytest.approx(0.9 + 0.8)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("n", "channels"), [(2, 1), (2, 3), (5, 4), (32, 2)])
def test_every_step_is_that_of_torch_to_the_last_bit_of_float32(n, channels, seed):
    random = np.random.default_rng(seed)
    x = random.normal(random.uniform(-5, 5), random.uniform(0.1, 10), (n, channels))
    gamma, beta, mean = random.normal(0, 2, (3, channels))
    variance, momentum = random.uniform(0.1, 5, channels), float(random.uniform(0.01, 1))
    norm = nn.BatchNorm2d(channels, momentum=momentum).double()
    for tensor, numbers in (
        (norm.weight.data, gamma),
        (norm.bias.data, beta),
        (norm.running_mean, mean),
        (norm.running_var, variance),
    ):
        tensor.copy_(torch.from_numpy(numbers))
    y = norm(torch.from_numpy(x)[:, :, None, None])[:, :, 0, 0].detach().numpy()
    found = batchnorm_by_hand(x, gamma, beta, mean, variance, norm.eps, momentum)
    for ours, theirs in (
        (found.y, y),
        (found.running_mean, norm.running_mean.numpy()),
        (found.running_variance, norm.running_var.numpy()),
    ):
        np.testing.assert_array_equal(ours.astype(np.float32), theirs.astype(np.float32))


def test_a_bias_before_it_moves_nothing_but_the_running_mean():
    x = np.array([[1.0, 4.0], [2.0, 0.0], [6.0, 2.0]])
    plain, biased = hand(x, 2.0, 0.5), hand(x + 10.0, 2.0, 0.5)
    np.testing.assert_allclose(biased.y, plain.y, atol=1e-12)
    np.testing.assert_allclose(biased.running_mean, plain.running_mean + 1.0)
    np.testing.assert_allclose(biased.running_variance, plain.running_variance)


def test_batch_norm_sets_mean_and_variance_but_a_skewed_batch_stays_skewed():
    x = np.random.default_rng(0).exponential(size=(500, 1))
    x_hat = hand(x).x_hat
    assert x_hat.mean() == pytest.approx(0, abs=1e-12)
    assert x_hat.var() == pytest.approx(1, rel=1e-4)
    assert (x_hat**3).mean() == pytest.approx((((x - x.mean()) / x.std()) ** 3).mean(), rel=1e-4)
    assert (x_hat**3).mean() > 1


@pytest.mark.parametrize("value", [0.1, 1e8, -3.0])
def test_a_constant_channel_gives_beta_and_says_that_it_is_constant(value):
    found = hand([[value, 1.0], [value, 2.0], [value, 3.0]], 2.0, 0.25)
    assert found.constant.tolist() == [True, False]
    assert found.y[:, 0].tolist() == [0.25] * 3
    assert found.variance[0] == 0


@pytest.mark.parametrize(
    ("x", "says"),
    [([[1.0, 2.0]], "batch of one"), ([[1.0], [float("nan")]], "missing or no finite number")],
)
def test_a_batch_of_one_and_a_missing_value_are_one_sentence(x, says):
    with pytest.raises(ProbeError, match=says):
        hand(x)


def test_lines_of_text_become_columns_of_numbers() -> None:
    assert read_batch("1, 2, -3.5\n\n4;5;6\n").tolist() == [[1, 4], [2, 5], [-3.5, 6]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2", "batch of one"),
        ("2, x", "no number"),
        ("nan, 1", "no number"),
        ("inf, 1", "too large"),
        ("1, 2\n1", "equally many"),
        ("", "1 to 4 lines"),
        ("1,2,3,4,5,6,7,8,9", "at most 8"),
    ],
)
def test_text_that_is_no_batch_is_one_sentence(text: str, says: str):
    with pytest.raises(ProbeError, match=says):
        read_batch(text)


def test_the_table_follows_each_value_through_the_steps():
    rows = hand([[2.0, 1.0], [6.0, 1.0]], 3.0, 1.0, eps=0.0).table().records()
    assert rows[1] == {"image": 1, "channel": 0, "x": 6, "centred": 2, "x_hat": 1, "y": 4}
    assert len(rows) == 4


@pytest.mark.parametrize("options", [{"momentum": 1.5}, {"momentum": -0.1}, {"eps": -1.0}])
def test_momentum_and_eps_outside_their_range_are_refused(options: dict[str, float]):
    with pytest.raises(ProbeError, match="Momentum lies from 0 to 1"):
        hand([[2.0], [6.0]], **options)
