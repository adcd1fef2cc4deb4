"""Gradient norms are autograd's, the two ways through a block add up, and nothing small is shown as
zero.
"""

import contextlib
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resviz.errors import ProbeError
from resviz.models.architectures.blocks import Residual
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.core import autograd
from resviz.probes.gradient_flow.norms import gradients
from tests.probes.example_nets import Functional, cifar, left_as_found, picture, seeded

TARGETS = torch.tensor([3, 1, 7, 3])


def direct(model: nn.Module, x: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
    """The gradient of every convolution and matrix, in training mode, by autograd alone."""
    named = {n: m.weight for n, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    model.train()
    found = torch.autograd.grad(F.cross_entropy(model(x), targets), list(named.values()))
    return dict(zip(named, found, strict=True))


@pytest.mark.parametrize(
    "text", ["plain-14", "residual-14?shortcut=C", "residual-11?block=bottleneck&norm=group"]
)
def test_weight_gradients_are_autograds_to_a_millionth(text):
    spec, x = ModelSpec.parse(text), picture(16, batch=4)
    found = gradients(build(spec), x, TARGETS)
    expected = direct(build(spec), x, TARGETS)
    assert set(found.layers) == set(expected)
    np.testing.assert_allclose(
        found.weight_gradient, [expected[n].norm() for n in found.layers], rtol=1e-6
    )
    weights = dict(build(spec).named_parameters())
    np.testing.assert_allclose(
        found.weight, [weights[f"{n}.weight"].norm().item() for n in found.layers], rtol=1e-6
    )
    np.testing.assert_allclose(found.relative, found.weight_gradient / found.weight)


def test_layers_and_blocks_come_in_forward_order_with_the_layers_counted():
    found = gradients(build(ModelSpec(depth=14, shortcut="B")), picture(16, batch=4), TARGETS)
    assert found.layers[:3] == ("conv1", "layer1.0.conv1", "layer1.0.conv2")
    assert found.layers[5:8] == ("layer2.0.downsample.0", "layer2.0.conv1", "layer2.0.conv2")
    assert found.layers[-1] == "fc"
    assert found.layers[found.last_convolution] == "layer3.1.conv2"
    assert found.blocks == tuple(f"layer{s}.{b}" for s in (1, 2, 3) for b in (0, 1))
    assert found.depth.tolist() == [3, 5, 8, 10, 13, 15]


def by_hand(model: nn.Module, x: torch.Tensor) -> list[tuple[torch.Tensor, ...]]:
    """Input, shortcut and branch of each residual block, and its output, kept while the network
    runs by hand.
    """
    h = model.relu(model.bn1(model.conv1(x)))
    kept = []
    for block in (m for m in model.modules() if isinstance(m, Residual)):
        first = h
        one, two = (
            first.clone(),
            first.clone(),
        )  # the branch and the shortcut each get a tensor of their own
        branch = block.body(one)
        shortcut = two if block.downsample is None else block.downsample(two)
        h = block.last_activation(branch + shortcut)
        kept.append((first, two, one, shortcut, branch, h))
    return [*kept, (model.fc(model.avgpool(h).flatten(1)),)]


@pytest.mark.parametrize(
    "text", ["residual-14", "residual-14?shortcut=B", "residual-11?block=bottleneck&norm=none"]
)
def test_shares_through_shortcut_and_branch_add_up_to_the_gradient_where_they_part(text):
    model, x = build(ModelSpec.parse(text)).double(), picture(16, batch=4).double()
    found = gradients(model, x, TARGETS, double=True)
    *kept, (scores,) = by_hand(model.train(), x)
    loss = F.cross_entropy(scores, TARGETS)
    assert found.loss == pytest.approx(loss.item(), rel=1e-12)
    for i, (first, two, one, shortcut, branch, output) in enumerate(kept):
        total, through_shortcut, through_branch, after = torch.autograd.grad(
            loss, (first, two, one, output), retain_graph=True
        )
        assert torch.allclose(through_shortcut + through_branch, total, rtol=1e-10)
        assert found.backward.shortcut[i] == pytest.approx(
            through_shortcut.norm().item(), rel=1e-10
        )
        assert found.backward.branch[i] == pytest.approx(through_branch.norm().item(), rel=1e-10)
        assert found.backward.total[i] == pytest.approx(total.norm().item(), rel=1e-10)
        along = (through_shortcut * total).sum() / total.square().sum()
        assert found.backward.share_shortcut[i] == pytest.approx(along.item(), rel=1e-8)
        assert found.block_gradient[i] == pytest.approx(after.norm().item(), rel=1e-10)
        assert found.forward.total[i] == pytest.approx((shortcut + branch).norm().item(), rel=1e-10)
        assert found.forward.branch[i] == pytest.approx(branch.norm().item(), rel=1e-10)
        assert found.deviation[i] == pytest.approx(output.std(correction=0).item(), rel=1e-10)
    np.testing.assert_allclose(
        found.backward.share_shortcut + found.backward.share_branch, 1, rtol=1e-12
    )
    np.testing.assert_allclose(
        found.forward.share_shortcut + found.forward.share_branch, 1, rtol=1e-12
    )


def test_without_details_the_norms_are_the_same_and_the_rest_is_left_out():
    model, x = build(ModelSpec(depth=14)), picture(16, batch=4)
    full, bare = gradients(model, x, TARGETS), gradients(model, x, TARGETS, details=False)
    np.testing.assert_array_equal(full.weight_gradient, bare.weight_gradient)
    np.testing.assert_array_equal(full.block_gradient, bare.block_gradient)
    assert np.isnan(bare.deviation).all()
    assert bare.backward.blocks == bare.forward.blocks == ()


def test_a_plain_network_has_no_parts():
    found = gradients(build(ModelSpec(family="plain", depth=8)), picture(16, batch=4), TARGETS)
    assert found.backward.blocks == found.forward.blocks == ()
    assert len(found.blocks) == 3


def test_batchnorm_uses_the_batch_and_keeps_its_averages():
    model = cifar(14).train()
    with left_as_found(model):
        gradients(model, picture(16, batch=4), TARGETS)
    evaluated = cifar(14)
    with left_as_found(evaluated):
        found = gradients(evaluated, picture(16, batch=4), TARGETS)
    expected = direct(cifar(14), picture(16, batch=4), TARGETS)
    np.testing.assert_allclose(
        found.weight_gradient, [expected[n].norm() for n in found.layers], rtol=1e-6
    )


@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad])
def test_frozen_weights_and_the_callers_mode_do_not_matter_and_stay(mode):
    model, x = build(ModelSpec(depth=8)).requires_grad_(False), picture(16, batch=4)
    with mode(), left_as_found(model):
        found = gradients(model, x, TARGETS)
    np.testing.assert_array_equal(
        found.weight_gradient, gradients(build(ModelSpec(depth=8)), x, TARGETS).weight_gradient
    )


def test_networks_that_are_not_ours_and_use_a_module_twice_work():
    model, x = seeded(Functional), picture(16, batch=4)
    targets = TARGETS.clamp(max=4)
    with left_as_found(model):
        found = gradients(model, x, targets)
    assert found.layers == ("first", "twice", "head")
    expected = torch.autograd.grad(F.cross_entropy(model(x), targets), model.twice.weight)[0].norm()
    assert found.weight_gradient[1] == pytest.approx(expected.item(), rel=1e-6)


def test_what_float32_cannot_square_is_no_zero():
    """Norms of 1e-24: the numbers fit into float32, their squares do not."""
    spec, x = ModelSpec.parse("plain-56?norm=none&init=torch"), picture(32, batch=4)
    found, wide = (
        gradients(build(spec), x, TARGETS),
        gradients(build(spec), x, TARGETS, double=True),
    )
    assert (found.precision, wide.precision) == ("float32", "float64")
    naive = direct(build(spec), x, TARGETS)["conv1"].norm().item()
    assert naive == 0
    assert 1e-26 < found.weight_gradient[0] < 1e-20
    np.testing.assert_allclose(found.weight_gradient, wide.weight_gradient, rtol=1e-2)


def test_what_float32_cannot_hold_is_computed_in_float64():
    spec, x = ModelSpec.parse("plain-110?norm=none&init=torch"), picture(4, batch=4)
    found = gradients(build(spec), x, TARGETS)
    assert found.precision == "float64"
    assert 0 < found.weight_gradient[0] < 1e-38
    expected = torch.autograd.grad(
        F.cross_entropy((model := build(spec).double())(x.double()), TARGETS), model.conv1.weight
    )[0]
    scaled = (
        (expected * 1e40).norm().item()
    )  # the square would leave even float64's comfortable range
    assert found.weight_gradient[0] == pytest.approx(scaled * 1e-40, rel=1e-6)


def test_a_signal_that_overflows_float32_is_computed_in_float64():
    model, x = build(ModelSpec.parse("residual-32?norm=none&width=4")), picture(8, batch=4) * 1e37
    assert not model(x).isfinite().all()
    found = gradients(model, x, TARGETS)
    assert found.precision == "float64"
    assert np.isfinite(found.weight_gradient).all()
    assert found.deviation[-1] > 1e37


@pytest.mark.parametrize("family", ["plain", "residual"])
def test_a_deep_network_is_run_in_parts_with_the_same_numbers(monkeypatch, family):
    spec, x = ModelSpec(family=family, depth=32, width=8), picture(8, batch=4)
    whole = gradients(build(spec), x, TARGETS)
    monkeypatch.setattr(autograd, "FEW", 10)
    model = build(spec)
    with left_as_found(model):
        parts = gradients(model, x, TARGETS)
    np.testing.assert_allclose(parts.weight_gradient, whole.weight_gradient, rtol=1e-6)
    np.testing.assert_allclose(parts.block_gradient, whole.block_gradient, rtol=1e-6)
    np.testing.assert_array_equal(parts.deviation, whole.deviation)
    np.testing.assert_allclose(parts.backward.share_branch, whole.backward.share_branch, rtol=1e-6)
    np.testing.assert_array_equal(parts.forward.inner, whole.forward.inner)
    assert (parts.blocks, parts.layers, parts.depth.tolist()) == (
        whole.blocks,
        whole.layers,
        whole.depth.tolist(),
    )


class CountedError(Exception):
    """What was saved is not given back."""


def _refuse(_saved: object) -> torch.Tensor:
    raise CountedError


def test_running_in_parts_keeps_less_than_half_of_the_numbers(monkeypatch):
    spec, x, kept = ModelSpec(depth=152), picture(8, batch=4), []
    for few in (1000, 10):
        monkeypatch.setattr(autograd, "FEW", few)
        sizes = {}
        keep = torch.autograd.graph.saved_tensors_hooks(
            lambda t, s=sizes: s.update({t.data_ptr(): t.nbytes}), _refuse
        )
        with keep, contextlib.suppress(CountedError):  # only the way forth counts
            gradients(build(spec), x, TARGETS, details=False)
        kept.append(sum(sizes.values()))
    assert kept[1] < 0.5 * kept[0], kept


def test_progress_grows_to_one_and_may_stop_the_work_leaving_no_trace():
    model, shares = build(ModelSpec(depth=14)), []
    gradients(model, picture(16, batch=4), TARGETS, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)

    class Stop(BaseException):
        pass

    def stop(share: float) -> None:
        if share > 0.6:  # on the way back
            raise Stop

    with left_as_found(model), pytest.raises(Stop):
        gradients(model, picture(16, batch=4), TARGETS, progress=stop)


def test_a_network_without_weights_is_refused():
    with pytest.raises(ProbeError, match="depends on no weights"):
        gradients(nn.Flatten(), torch.rand(4, 10, 1, 1), TARGETS)


def test_a_loss_that_is_not_a_number_is_refused():
    with pytest.raises(ProbeError, match="not a number"):
        gradients(cifar(8), picture(16, batch=4) * math.nan, TARGETS)


@pytest.mark.parametrize(
    "name",
    ["plain-110", "scaled-110", "gated-110?norm=none", "plain-56", "scaled-602?norm=none"],
)
def test_norms_are_those_of_float64_where_rounding_errors_grow(name):
    spec, x = ModelSpec.parse(name), picture(16, batch=2)
    found = gradients(build(spec), x, TARGETS[:2], details=False)
    expected = direct(build(spec).double(), x.double(), TARGETS[:2])
    np.testing.assert_allclose(
        found.weight_gradient, [expected[n].norm() for n in found.layers], rtol=1e-5
    )
    assert (found.weight_gradient > 0).all()


def test_networks_that_amplify_nothing_stay_in_float32_with_right_norms():
    spec, x = ModelSpec.parse("residual-110?norm=none"), picture(16, batch=2)
    found = gradients(build(spec), x, TARGETS[:2])
    wide = gradients(build(spec), x, TARGETS[:2], double=True)
    assert found.precision == "float32"
    assert found.weight_gradient.max() / found.block_gradient.min() > 1e6
    np.testing.assert_allclose(found.weight_gradient, wide.weight_gradient, rtol=1e-4)


class Pair(nn.Module):
    """A network that returns its scores beside those of another head."""

    def __init__(self) -> None:
        super().__init__()
        self.net = cifar(8, width=4)

    def forward(self, x):
        scores = self.net(x)
        return scores, scores


@pytest.mark.parametrize(
    ("model", "targets", "says"),
    [
        (Pair(), TARGETS, "returns a tuple"),
        (cifar(8, width=4), TARGETS + 4, "from 0 to 9, got 5 to 11"),
        (cifar(8, width=4), TARGETS - 2, "from 0 to 9, got -1 to 5"),
        (nn.Sequential(nn.Conv2d(3, 1, 1)), TARGETS, "from 0 to 0, got 1 to 7"),
        (nn.Sequential(nn.Conv2d(3, 1, 1), nn.Flatten(0)), TARGETS, "returns 1024 for 4 images"),
    ],
)
def test_what_is_no_classifier_of_the_targets_is_refused_in_a_sentence(model, targets, says):
    with left_as_found(model), pytest.raises(ProbeError, match=says):
        gradients(model, picture(16, batch=4), targets)


def test_a_loss_of_ones_own_takes_what_it_wants_from_the_output():
    model, x = Pair(), picture(16, batch=4)
    found = gradients(model, x, TARGETS, loss=lambda out, targets: F.cross_entropy(out[0], targets))
    expected = gradients(model.net, x, TARGETS)
    np.testing.assert_array_equal(found.weight_gradient, expected.weight_gradient)
