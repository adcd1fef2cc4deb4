import dataclasses

import numpy as np
import pytest

from resviz.errors import ProbeError
from resviz.probes.core.layers import blocks
from resviz.probes.feature_maps.residual import ResidualParts, residual_parts
from tests.probes.example_nets import Functional, by_hand, cifar, imagenet, picture, seeded


def test_the_norms_of_a_residual_sum_are_finite_too():
    model = cifar(8)
    model.bn1.weight.data *= 1e27
    parts = residual_parts(model, picture(32), "layer1.0")
    assert parts.norm_shortcut == pytest.approx(np.linalg.norm(parts.shortcut.astype(np.float64)))
    assert 1e27 < parts.norm_shortcut < np.inf


def test_shortcut_and_branch_add_up_bit_for_bit():
    model, x = imagenet(18), picture(64)
    for block in blocks(model):
        parts = residual_parts(model, x, block)
        np.testing.assert_array_equal(parts.branch, by_hand(model, x, f"{block}.bn2"))
        np.testing.assert_array_equal(parts.shortcut + parts.branch, parts.total)
        np.testing.assert_array_equal(parts.total.clip(0), by_hand(model, x, block))
        norms = [np.linalg.norm(part.astype(float)) for part in (parts.shortcut, parts.branch)]
        assert parts.norm_total == pytest.approx(
            np.linalg.norm(parts.total.astype(float)), rel=1e-5
        )
        assert [parts.norm_shortcut, parts.norm_branch] == pytest.approx(norms, rel=1e-5)
        assert parts.share_branch == pytest.approx(norms[1] / sum(norms), rel=1e-5)


def test_the_share_of_nothing_is_zero():
    zero = np.zeros((1, 1, 1), np.float32)
    assert ResidualParts("block", zero, zero, zero, 0.0, 0.0, 0.0).share_branch == 0.0


@pytest.mark.parametrize(
    ("net", "block", "sentence"),
    [
        (
            lambda: cifar(family="plain"),
            "layer1.0",
            "layer1.0 is a plain block and has no shortcut; choose a residual",
        ),
        (
            cifar,
            "conv1",
            "conv1 is no residual block that can be taken apart; choose a block such as layer1.0",
        ),
        (
            lambda: seeded(Functional),
            "first",
            "first is no residual block that can be taken apart; choose one of resviz",
        ),
        (cifar, "layer7.0", "this model has no layer 'layer7.0'"),
    ],
)
def test_only_residual_blocks_are_taken_apart(net, block: str, sentence: str):
    with pytest.raises(ProbeError) as refusal:
        residual_parts(net(), picture(32), block)
    assert sentence in str(refusal.value)


def test_results_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        residual_parts(cifar(), picture(32), "layer1.0").block = "other"


def test_one_channel_has_its_own_norms_and_share():
    parts = residual_parts(cifar(), picture(32), "layer2.0")
    alone = parts.of_channel(3)
    assert alone.shortcut.shape == (1, *parts.shortcut.shape[1:])
    x, branch = (np.linalg.norm(part[3].astype(float)) for part in (parts.shortcut, parts.branch))
    assert (alone.norm_shortcut, alone.norm_branch) == pytest.approx((x, branch))
    assert alone.share_branch == pytest.approx(branch / (x + branch))
