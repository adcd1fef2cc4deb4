"""Each family computes its paper's formula, has the parameters that follow from it, and starts as
it should.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resviz.models.architectures.blocks import Residual
from resviz.models.architectures.resnet import build
from resviz.models.spec import FAMILIES, ModelSpec
from resviz.models.weights.checkpoints import read, save
from resviz.probes.gradient_flow.norms import gradients
from resviz.probes.receptive_field.theoretical import receptive_field

NEW = ("preactivation", "weighted", "scaled", "gated", "rezero", "fixup")
X = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def scattered(text: str) -> nn.Module:
    """The network with every parameter moved away from its start, so that no term of a formula
    vanishes.
    """
    model, generator = build(ModelSpec.parse(text)), torch.Generator().manual_seed(2)
    for p in model.parameters():
        p.data += 0.2 * torch.randn(p.shape, generator=generator)
    return model.train()


def conv(block: nn.Module, i: int, x: torch.Tensor) -> torch.Tensor:
    return F.conv2d(
        x, block.get_parameter(f"conv{i}.weight"), None, block.get_submodule(f"conv{i}").stride, 1
    )


def norm(block: nn.Module, i: int, x: torch.Tensor) -> torch.Tensor:
    mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, correction=0)
    gamma, beta = (
        block.get_parameter(f"bn{i}.{name}")[:, None, None] for name in ("weight", "bias")
    )
    return (x - mean) / torch.sqrt(var + 1e-5) * gamma + beta


def carried(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Option A by hand: every second pixel, half of the new channels before and half after."""
    if block.downsample is None:
        return x
    small = x[:, :, ::2, ::2]
    zeros = torch.zeros(len(x), small.shape[1] // 2, *small.shape[2:])
    return torch.cat([zeros, small, zeros], 1)


def usual(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return norm(block, 2, conv(block, 2, F.relu(norm(block, 1, conv(block, 1, x)))))


def preactivation(block, x):
    branch = conv(block, 2, F.relu(norm(block, 2, conv(block, 1, F.relu(norm(block, 1, x))))))
    return carried(block, x) + branch


def weighted(block, x):
    return block.shortcut.weight * carried(block, x) + block.branch.weight * F.relu(usual(block, x))


def scaled(block, x):
    return F.relu(0.5 * carried(block, x) + 0.5 * usual(block, x))


def gated(block, x):
    h = carried(block, x)
    g = 1 / (1 + torch.exp(-F.conv2d(h, block.shortcut.gate.weight, block.shortcut.gate.bias)))
    return F.relu(usual(block, x) + (1 - g) * h)


def rezero(block, x):
    return F.relu(carried(block, x) + block.branch.weight * usual(block, x))


def fixup(block, x):
    h = F.relu(conv(block, 1, x + block.bias1.bias) + block.bn1.bias)
    h = conv(block, 2, h + block.bias2.bias) * block.branch.weight + block.branch.bias
    return F.relu(carried(block, x) + h)


FORMULAS = {f.__name__: f for f in (preactivation, weighted, scaled, gated, rezero, fixup)}


def test_every_family_has_its_formula_here():
    assert {*FORMULAS, "plain", "residual"} == set(FAMILIES)


@pytest.mark.parametrize("family", NEW)
def test_the_network_is_the_papers_formula(family):
    model = scattered(f"{family}-14?width=4")
    with torch.no_grad():
        h = F.conv2d(X, model.conv1.weight, model.conv1.bias, 1, 1)
        if family == "fixup":
            h = F.relu(h + model.bn1.bias)
        elif family != "preactivation":
            h = F.relu(model.bn1(h))
        for block in (m for m in model.modules() if isinstance(m, Residual)):
            h = FORMULAS[family](block, h)
        if family == "preactivation":
            h = F.relu(model.closing[0](h))
        if family == "fixup":
            h = h + model.closing.bias
        expected = h.mean((2, 3)) @ model.fc.weight.T + model.fc.bias
        torch.testing.assert_close(model(X), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "more"),
    [
        (
            "preactivation",
            0,
        ),  # one norm less in the stem, one more at the end, the others move by one place
        ("weighted", 2 * 9),
        ("scaled", 0),
        ("gated", 3 * (16 * 17 + 32 * 33 + 64 * 65)),
        ("rezero", 9),
        # two biases before convolutions, one before an activation, scale and shift; one in the
        # stem, one at the end; and no gamma and beta
        ("fixup", 9 * 5 + 2 - 2 * (16 + 6 * (16 + 32 + 64))),
    ],
)
def test_parameters_beyond_those_of_the_residual_twin(family, more):
    count = {
        f: sum(p.numel() for p in build(ModelSpec(family=f)).parameters())
        for f in (family, "residual")
    }
    assert count[family] - count["residual"] == more


@pytest.mark.parametrize("family", ["rezero", "fixup"])
def test_rezero_and_fixup_blocks_start_as_the_identity(family):
    model = build(ModelSpec(family=family, depth=14))
    blocks = [m for m in model.modules() if isinstance(m, Residual) and m.downsample is None]
    for block in blocks:
        x = torch.rand(2, block.out_channels, 8, 8)
        assert torch.equal(block(x), x)


def test_preactivation_and_weighted_blocks_pass_any_sign_on():
    x = torch.randn(2, 16, 8, 8)
    assert torch.equal(build(ModelSpec(family="weighted", depth=8)).layer1(x), x)
    assert torch.equal(
        build(ModelSpec(family="preactivation", depth=8, init="zero-gamma")).layer1(x), x
    )


def test_a_gate_starts_nearly_open():
    model = build(ModelSpec(family="gated", depth=8, init="torch"))
    x = torch.rand(2, 16, 8, 8)
    ratio = model.layer1[0].shortcut(x) / x
    assert 0.98 < ratio.min() < ratio.max() < 1
    assert (model.layer1[0].shortcut.gate.bias == -6).all()


def test_fixup_shrinks_all_but_the_last_convolution_and_silences_classifier_and_branches():
    fixup, residual = (
        build(ModelSpec(family=f, depth=20, norm="none")) for f in ("fixup", "residual")
    )
    ratio = fixup.layer2[1].conv1.weight / residual.layer2[1].conv1.weight
    torch.testing.assert_close(ratio, torch.full_like(ratio, 9**-0.5))
    assert not fixup.layer3[2].conv2.weight.any()
    assert not fixup(X).any()
    deep = build(ModelSpec(family="fixup", depth=29, block="bottleneck"))
    twin = build(ModelSpec(family="residual", depth=29, block="bottleneck", norm="none"))
    ratio = deep.layer1[0].conv2.weight / twin.layer1[0].conv2.weight
    torch.testing.assert_close(ratio, torch.full_like(ratio, 9**-0.25))


def test_fixup_has_no_channelwise_biases():
    model = build(ModelSpec(family="fixup", depth=8, shortcut="B"))
    assert {
        p.numel() for name, p in model.named_parameters() if p.ndim == 1 and name != "fc.bias"
    } == {1}


@pytest.mark.parametrize("family", NEW)
@pytest.mark.parametrize(
    "options", ["?shortcut=B&width=4", "?block=bottleneck&width=4", "?init=torch&width=4"]
)
def test_every_option_goes_forth_and_back_with_shares_that_add_up(family, options):
    depth = 11 if "bottleneck" in options else 8
    model = scattered(f"{family}-{depth}{options}").double()
    x, targets = X.double(), torch.tensor([1, 2])
    found = gradients(model, x, targets, double=True)
    assert len(found.backward.blocks) == 3
    entry = model.layer1(model.relu(model.bn1(model.conv1(x)))).detach().requires_grad_()
    h = model.layer3(model.layer2(entry))
    h = h if model.closing is None else model.closing(h)
    loss = F.cross_entropy(model.fc(h.mean((2, 3))), targets)
    assert found.loss == pytest.approx(loss.item())
    (expected,) = torch.autograd.grad(loss, entry)
    assert found.backward.total[1] == pytest.approx(expected.norm().item(), rel=1e-8)
    assert found.block_gradient[0] == pytest.approx(expected.norm().item(), rel=1e-8)


@pytest.mark.parametrize("family", FAMILIES)
def test_seeds_repeat_weights_survive_a_file_and_fields_are_the_residual_ones(family, tmp_path):
    spec = ModelSpec(family=family, depth=8, width=4)
    model, again = build(spec), build(spec)
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True)
    )
    save(tmp_path / "net.safetensors", model, {"spec": spec.as_dict()})
    stored = read(tmp_path / "net.safetensors")
    assert stored.spec == spec
    with torch.no_grad():
        torch.testing.assert_close(stored.model(X), model(X), rtol=1e-2, atol=1e-2)
    twin = build(ModelSpec(family="plain", depth=8, width=4))
    assert (
        receptive_field(model, ["layer3"], 32)[0].size
        == receptive_field(twin, ["layer3"], 32)[0].size
    )
