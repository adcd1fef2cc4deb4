"""What a block shows is what it computes."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resviz.models.architectures.blocks import (
    Add,
    PadShortcut,
    Plain,
    Residual,
    make_block,
    make_norm,
)
from resviz.models.architectures.resnet import build
from resviz.models.spec import ACTIVATIONS, ModelSpec


def captured(model, x):
    """Inputs and output of every module, cloned when they pass."""
    seen = {}

    def keep(name):
        def hook(module, args, output):
            seen[name] = ([a.clone() for a in args], output.clone())

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in model.named_modules()]
    with torch.no_grad():
        model(x)
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize(
    "text", ["residual-8", "residual-11?block=bottleneck", "residual-8?shortcut=B&norm=group"]
)
def test_branch_plus_shortcut_is_the_sum_bit_for_bit(text):
    model = build(ModelSpec.parse(text))
    seen = captured(model, torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    blocks = [name for name, module in model.named_modules() if isinstance(module, Residual)]
    assert len(blocks) == 3
    for name in blocks:
        total = seen[f"{name}.branch"][1] + seen[f"{name}.shortcut"][1]
        assert torch.equal(total, seen[f"{name}.add"][1])
        last = f"{name}.relu{model.get_submodule(name).layers}"
        assert torch.equal(F.relu(total), seen[last][1])
        assert torch.equal(seen[last][1], seen[name][1])
        assert torch.equal(
            seen[f"{name}.branch"][1], seen[f"{name}.bn{model.get_submodule(name).layers}"][1]
        )


def test_no_output_changes_after_its_hook_has_seen_it():
    model = build(ModelSpec(depth=8, shortcut="B"))
    kept = []
    for module in model.modules():
        module.register_forward_hook(lambda m, args, out: kept.append((out, out.clone())))
    with torch.no_grad():
        model(torch.randn(1, 3, 32, 32))
    assert len(kept) > 20
    assert all(torch.equal(out, then) for out, then in kept)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_activation_is_a_module_of_its_own_and_not_in_place(name):
    model = build(ModelSpec(depth=8, activation=name))
    kind = getattr(nn, ACTIVATIONS[name])
    uses = [module for module in model.modules() if isinstance(module, kind)]
    assert len(uses) == 1 + 3 * 2
    assert not any(getattr(module, "inplace", False) for module in uses)
    assert torch.isfinite(model(torch.randn(1, 3, 32, 32))).all()


def test_option_a_takes_every_second_pixel_and_centres_the_channels_between_zeros():
    x = torch.randn(2, 4, 6, 6)
    y = PadShortcut(4, 8, 2)(x)
    assert y.shape == (2, 8, 3, 3)
    assert torch.equal(y[:, 2:6], x[:, :, ::2, ::2])
    assert not y[:, :2].any()
    assert not y[:, 6:].any()


@pytest.mark.parametrize(
    ("shortcut", "projected"),
    [
        ("A", []),
        ("B", ["layer2.0", "layer3.0"]),
        ("C", [f"layer{s}.{b}" for s in (1, 2, 3) for b in (0, 1)]),
    ],
)
def test_options_a_b_c_project_nowhere_where_shapes_change_and_everywhere(shortcut, projected):
    model = build(ModelSpec(depth=14, shortcut=shortcut))
    found = {
        name.split(".downsample")[0] for name, _ in model.named_parameters() if "downsample" in name
    }
    assert sorted(found) == projected


def test_a_plain_block_has_no_shortcut():
    block = make_block(ModelSpec(family="plain"), 16, 32, 2)
    assert type(block) is Plain
    assert not any(isinstance(module, Add | PadShortcut) for module in block.modules())


def test_without_normalisation_there_is_no_batchnorm_and_convolutions_have_biases():
    model = build(ModelSpec(depth=8, norm="none", shortcut="B"))
    assert not any(isinstance(module, nn.BatchNorm2d | nn.GroupNorm) for module in model.modules())
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    assert all(conv.bias is not None for conv in convolutions)
    normed = build(ModelSpec(depth=8, norm="group", shortcut="B"))
    assert all(m.bias is None for m in normed.modules() if isinstance(m, nn.Conv2d))


@pytest.mark.parametrize("channels", [1, 15, 16, 17, 48, 64, 100])
def test_group_norm_divides_any_number_of_channels(channels):
    norm = make_norm(ModelSpec(norm="group"), channels)
    y = norm(torch.randn(2, channels, 4, 4))
    groups = y.view(2, norm.num_groups, -1)
    assert torch.allclose(groups.mean(-1), torch.zeros(2, norm.num_groups), atol=1e-5)


def test_full_backward_hooks_work_and_see_the_true_gradient():
    model = build(ModelSpec(depth=8, shortcut="B"))
    seen = {}
    for name, module in model.named_modules():
        module.register_full_backward_hook(
            lambda m, gin, gout, name=name: seen.__setitem__(name, gout[0].clone())
        )
    x = torch.randn(2, 3, 32, 32, requires_grad=True)
    score = model(x)[:, 0].sum()
    (direct,) = torch.autograd.grad(score, x)
    assert torch.isfinite(direct).all()
    assert set(seen) >= {
        "layer2.0.branch",
        "layer2.0.shortcut",
        "layer2.0.add",
        "layer1.0.relu2",
        "conv1",
    }
    assert torch.equal(
        seen["layer2.0.branch"], seen["layer2.0.add"]
    )  # a sum passes its gradient on to both
    assert torch.equal(seen["layer2.0.shortcut"], seen["layer2.0.add"])


def test_fx_traces_our_networks_to_the_same_numbers():
    for text in ("residual-8?shortcut=B", "plain-8", "residual-18?stem=imagenet&width=8"):
        model = build(ModelSpec.parse(text))
        traced = torch.fx.symbolic_trace(copy.deepcopy(model))
        x = torch.randn(1, 3, 32, 32)
        with torch.no_grad():
            assert torch.equal(model(x), traced(x))
