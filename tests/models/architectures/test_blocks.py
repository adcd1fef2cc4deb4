"""What a block shows is what it computes."""

import copy

import pytest
import torch
import torch.nn.functional as F

from resviz.models.architectures.blocks import Plain, Residual, make_block
from resviz.models.architectures.layers import Add, PadShortcut
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec


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


def test_a_plain_block_has_no_shortcut():
    block = make_block(ModelSpec(family="plain"), 16, 32, 2)
    assert type(block) is Plain
    assert not any(isinstance(module, Add | PadShortcut) for module in block.modules())


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
