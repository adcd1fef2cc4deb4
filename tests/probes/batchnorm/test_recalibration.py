"""Statistics measured again, against a copy of the network in training mode."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.recalibration import Pool, normalised_with, recalibrate
from tests.probes.batchnorm.test_layers import NormAct
from tests.probes.batchnorm.test_modes import OTHER, X, training_copy
from tests.probes.example_nets import cifar, left_as_found


def test_recalibrated_statistics_are_those_that_training_mode_stores():
    model = cifar(8)
    statistics = recalibrate(model, [OTHER])
    twin, _ = training_copy(model, OTHER)
    state = twin.state_dict()
    assert statistics.images == 8
    for layer, mean in statistics.mean.items():
        np.testing.assert_allclose(
            mean, state[f"{layer}.running_mean"].numpy(), rtol=1e-4, atol=1e-4
        )
        np.testing.assert_allclose(
            statistics.variance[layer], state[f"{layer}.running_var"].numpy(), rtol=1e-3
        )


def test_batches_are_pooled_into_the_mean_and_variance_of_all_their_values():
    model = cifar(8)
    batches = [X[:2], X[2:], OTHER]
    seen: list[Tensor] = []
    twin = copy.deepcopy(model).double().train()
    twin.layer2[0].bn1.register_forward_pre_hook(lambda _m, given: seen.append(given[0].detach()))
    for batch in batches:
        twin(batch.double())
    flat = torch.cat([values.transpose(0, 1).flatten(1) for values in seen], 1).numpy()
    statistics = recalibrate(model, batches)
    assert statistics.images == 14
    np.testing.assert_allclose(statistics.mean["layer2.0.bn1"], flat.mean(1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(statistics.variance["layer2.0.bn1"], flat.var(1, ddof=1), rtol=1e-4)


@pytest.mark.parametrize("mode", ["batch", "eval", "recalibrated"])
def test_a_failing_forward_leaves_no_hook(mode):
    model = cifar(8)
    statistics = recalibrate(model, [OTHER])
    with (
        left_as_found(model),
        pytest.raises(RuntimeError),
        normalised_with(model, mode, statistics=statistics),
    ):
        model(torch.zeros(1, 5, 8, 8))


@pytest.mark.parametrize("mode", ["batch", "recalibrated"])
def test_an_activation_inside_a_norm_stays_with_every_kind_of_statistics(mode: str):
    norm = NormAct(3, nn.SiLU())
    model = nn.Sequential(norm).eval()
    statistics = recalibrate(model, [X])
    with left_as_found(model), normalised_with(model, mode, statistics):
        found = model(X)
    over = X.double()
    mean, variance = over.mean((0, 2, 3), keepdim=True), over.var((0, 2, 3), keepdim=True)
    if mode == "batch":  # training divides by n, what is stored by n - 1
        variance = over.var((0, 2, 3), keepdim=True, correction=0)
    expected = nn.functional.silu((over - mean) / (variance + norm.eps).sqrt())
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-5)


def test_recalibrated_statistics_work_where_none_are_stored_and_in_float64():
    model = nn.Sequential(nn.BatchNorm2d(3, affine=False, track_running_stats=False)).double()
    statistics = recalibrate(model, [OTHER.double()])
    with left_as_found(model), normalised_with(model, "recalibrated", statistics):
        found = model(X.double())
    mean = OTHER.double().mean((0, 2, 3), keepdim=True)
    variance = OTHER.double().var((0, 2, 3), keepdim=True)
    torch.testing.assert_close(found, (X.double() - mean) / (variance + 1e-5).sqrt())
    assert model[0].running_mean is None


def test_float64_models_keep_their_digits():
    """Of 1e8, 1e8 + 1 and 1e8 + 2: the neighbours of 1e8 in float32 are 8 away."""
    x = 1e8 + torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64).reshape(3, 1, 1, 1)
    model = nn.Sequential(nn.BatchNorm2d(1)).double()
    statistics = recalibrate(model, [x])
    assert statistics.mean["0"].tolist() == [1e8 + 1]
    assert statistics.variance["0"].tolist() == [1.0]


def test_a_model_that_changes_its_input_in_place_leaves_the_caller_s_batch_alone():
    model, x = nn.Sequential(nn.ReLU(inplace=True), nn.BatchNorm2d(3)), X.clone()
    recalibrate(model, [x])
    torch.testing.assert_close(x, X, rtol=0, atol=0)


def test_statistics_of_another_model_are_refused():
    statistics = recalibrate(nn.Sequential(nn.BatchNorm2d(3)), [X])
    model = cifar(8)
    with (
        left_as_found(model),
        pytest.raises(ProbeError, match="no recalibrated statistics for bn1"),
        normalised_with(model, "recalibrated", statistics),
    ):
        model(X)


def test_pooled_moments_are_those_of_all_values_together():
    random = np.random.default_rng(0)
    parts = [random.normal(i, i + 1, (5 * i + 1, 2)) for i in range(4)]
    pool = Pool(2)
    for part in parts:
        pool.add(torch.from_numpy(part))
    together = np.concatenate(parts)
    np.testing.assert_allclose(pool.mean, together.mean(0))
    np.testing.assert_allclose(pool.unbiased_variance, together.var(0, ddof=1))
