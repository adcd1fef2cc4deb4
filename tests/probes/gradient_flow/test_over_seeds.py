"""The numbers of the papers card, seeds that are fair to both twins, and batches that can be drawn
again.
"""

import functools
import math

import numpy as np
import pytest
import torch

from resviz.errors import ProbeError
from resviz.models import zoo
from resviz.probes.gradient_flow.norms import Gradients, gradients
from resviz.probes.gradient_flow.over_seeds import (
    Batch,
    Profile,
    measure,
    norm_table,
    seeded,
    share_table,
    verdict,
)

SMALL = Batch(size=4)


@functools.cache
def profile(name: str, seeds: int = 1, size: int = 32) -> Profile:
    return Profile(
        name, tuple(measure(name, s, Batch(size=size), details=False) for s in range(seeds))
    )


@pytest.mark.parametrize("init", ["he", "he-in"])
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("plain-20", 3, 30),
        ("residual-20", 1.5, 6),
        ("plain-56", 1e3, 1e4),
        ("residual-56", 5, 20),
    ],
)
def test_with_batchnorm_the_first_layers_gradient_is_larger_and_in_plain_nets_explodes(
    name, low, high, init
):
    assert low < profile(f"new/{name}?init={init}").ratio() < high


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "low", "high"), [("plain-110", 1e6, 1e8), ("residual-110", 10, 60)]
)
def test_at_depth_110_the_plain_net_explodes_a_millionfold_and_the_residual_one_does_not(
    name, low, high
):
    assert low < profile(f"new/{name}").ratio() < high


def test_without_norm_the_default_initialisation_vanishes_and_he_stays_level():
    vanishing = profile("new/plain-56?norm=none&init=torch", size=8)
    assert 0 < vanishing.ratio() < 1e-18
    assert verdict(vanishing.ratio()) == "vanishes"
    held = profile("new/plain-56?norm=none", size=8)
    assert 1 / 3 < held.ratio() < 3
    assert verdict(held.ratio()) == "level"


def test_mean_and_deviation_are_over_seeds_by_hand():
    found = profile("new/plain-8?width=4", seeds=3, size=4)
    by_seed = [
        measure("new/plain-8?width=4", s, SMALL, details=False).weight_gradient for s in range(3)
    ]
    np.testing.assert_allclose(found.mean("weight_gradient"), sum(by_seed) / 3)
    variance = sum((one - sum(by_seed) / 3) ** 2 for one in by_seed) / 2
    np.testing.assert_allclose(found.std("weight_gradient"), np.sqrt(variance))
    assert found.ratio() == pytest.approx(sum(n[0] for n in by_seed) / sum(n[6] for n in by_seed))
    assert found.ratios() == pytest.approx([n[0] / n[6] for n in by_seed])
    assert found.layers[6] == "layer3.0.conv2"
    assert not profile("new/plain-8?width=4", size=4).std("weight_gradient").any()


def test_a_seed_moves_weights_and_batch_and_leaves_stored_weights():
    assert seeded("new/plain-8?seed=5", 2) == "new/plain-8?seed=7"
    assert seeded("bundled/resnet20-cifar10", 2) == "bundled/resnet20-cifar10"
    a, b = (measure("new/plain-8?width=4", seed, SMALL) for seed in (0, 1))
    assert not np.isclose(a.weight, b.weight).all()
    assert a.loss != b.loss


def test_twins_start_from_the_same_weights_and_see_the_same_batch():
    plain, residual = (
        measure(f"new/{family}-8?width=4", 3, SMALL) for family in ("plain", "residual")
    )
    np.testing.assert_array_equal(plain.weight, residual.weight)


@pytest.mark.parametrize("source", ["noise", "photos"])
def test_a_batch_is_the_same_each_time_and_has_the_networks_pixels(source):
    preprocess = zoo.load("new/plain-8").preprocess
    batch = Batch(source=source, size=14)
    (x, targets), (again, _), (other, _) = (batch.draw(seed, preprocess, 10) for seed in (1, 1, 2))
    assert x.shape == (14, 3, 32, 32)
    assert torch.equal(x, again)
    assert not torch.equal(x, other)
    assert 0.3 < x.std() < 2
    assert targets.shape == (14,)
    assert set(targets.tolist()) <= set(range(10))


def test_a_trained_network_is_measured_with_its_own_weights():
    name = "bundled/resnet20-cifar10"
    loaded = zoo.load(name)
    x, targets = SMALL.draw(7, loaded.preprocess, 10)
    expected = gradients(loaded.model, x, targets)
    np.testing.assert_array_equal(measure(name, 7, SMALL).weight_gradient, expected.weight_gradient)


def test_depth_counts_layers_for_layers_and_the_layers_before_for_blocks():
    found = profile("new/residual-14", size=4)
    assert found.depth("relative").tolist() == list(range(1, 15))
    assert found.depth("deviation").tolist() == [3, 5, 7, 9, 11, 13]
    assert found.places("block_gradient") == found.blocks


@pytest.mark.parametrize(
    ("ratio", "word"),
    [
        (5.9e6, "explodes"),
        (1000.0, "explodes"),
        (999.0, "grows"),
        (9.9, "level"),
        (0.11, "level"),
        (0.09, "shrinks"),
        (9e-4, "vanishes"),
        (0.0, "vanishes"),
        (math.inf, "explodes"),
        (math.nan, "undefined"),
    ],
)
def test_the_verdict_follows_its_thresholds(ratio, word):
    assert verdict(ratio) == word


@pytest.mark.parametrize(
    ("options", "says"), [({"source": "movies"}, "'movies'"), ({"size": 1}, "got 1")]
)
def test_a_batch_that_cannot_be_is_refused(options, says):
    with pytest.raises(ProbeError, match=says):
        Batch(**options)


def test_no_seed_is_no_profile():
    with pytest.raises(ProbeError, match="at least one seed"):
        Profile("new/plain-8", tuple[Gradients, ...]())


@pytest.mark.parametrize(
    ("name", "silent", "why"),
    [
        ("rezero-8", 6, "branches"),
        ("weighted-8", 6, "branches"),
        ("residual-8?init=zero-gamma", 6, "branches"),
        ("preactivation-8?init=zero-gamma", 6, "branches"),
        ("fixup-8", 7, "classifier"),
        ("residual-8", 0, ""),
    ],
)
def test_layers_without_any_gradient_are_counted_and_nothing_explodes_over_them(name, silent, why):
    found = Profile("", (measure(f"new/{name}", 0, SMALL),))
    silent_layers = found.without_gradient
    assert len(silent_layers) == silent
    assert found.why_without == why
    assert "fc" not in silent_layers
    assert verdict(found.ratio()) in ("undefined" if silent else "level", "level")


def test_silent_branches_leave_the_projections_to_compare():
    found = profile("new/rezero-20?shortcut=B", size=4)
    first, last = found.ends()
    assert found.layers[first] == "conv1"
    assert found.layers[last] == "layer3.0.downsample.0"
    mean = found.mean("weight_gradient")
    assert found.ratio() == pytest.approx(mean[first] / mean[last])


def test_the_blocks_of_a_silent_start_are_compared_as_any_others():
    found = Profile("", (measure("new/weighted-8", 0, SMALL),))
    gradient = found.mean("block_gradient")
    assert found.ratio("block_gradient") == pytest.approx(gradient[0] / gradient[-1])


def test_a_spread_over_seeds_of_norms_whose_squares_leave_float64_is_finite():
    one, other = (measure("new/plain-8?width=4", seed, SMALL) for seed in (0, 1))
    for flow in (one, other):
        flow.weight_gradient[:] *= 1e200
    expected = abs(one.weight_gradient - other.weight_gradient) / math.sqrt(2)
    np.testing.assert_allclose(Profile("", (one, other)).std("weight_gradient"), expected)


def test_tables_have_a_row_for_each_place_and_each_block():
    plain, residual = (
        Profile(name, tuple(measure(name, seed, SMALL) for seed in (0, 1)))
        for name in ("new/plain-8?width=4", "new/residual-8?width=4")
    )
    records = norm_table([plain, residual], "relative").records()
    assert [record["place"] for record in records[: len(plain.layers)]] == list(plain.layers)
    assert records[-1]["mean"] == residual.mean("relative")[-1]
    assert records[-1]["std"] == residual.std("relative")[-1]
    shares = share_table([plain, residual]).records()
    assert [record["block"] for record in shares] == list(residual.blocks)
    median = np.median(residual.share_shortcut("forward"), 0)
    assert [record["signal through shortcut"] for record in shares] == median.tolist()
