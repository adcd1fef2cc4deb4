"""Our networks are torchvision's, bit for bit, and are drawn from their seed alone."""

import math

import pytest
import torch
from torch import nn
from torchvision import models

from resviz.models.architectures.blocks import Block
from resviz.models.architectures.resnet import ResNet, build, skeleton
from resviz.models.spec import ModelSpec
from resviz.models.weights.torchvision import RESNETS

NINE = sorted(set(RESNETS) - {"resnext101_64x4d"})


def of_torchvision(name):
    """torchvision's network with random weights and running statistics, cheaply drawn."""
    with torch.device("meta"):
        model = getattr(models, name)(weights=None)
    model = model.to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(1)
    for key, t in model.state_dict().items():
        if t.ndim > 1:
            t.uniform_(-1, 1, generator=generator).mul_(math.sqrt(3 / t[0].numel()))
        elif t.is_floating_point():
            t.uniform_(0.5, 1.5, generator=generator) if "var" in key else t.uniform_(
                -0.5, 0.5, generator=generator
            )
        else:
            t.zero_()
    return model


@pytest.mark.parametrize("name", NINE)
def test_outputs_are_torchvisions_bit_for_bit_and_state_dicts_fit_both_ways(name):
    theirs = of_torchvision(name)
    ours = skeleton(RESNETS[name].spec())
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        scores = ours(x)
        assert scores.std() > 0
        assert torch.equal(scores, theirs(x))
    theirs.load_state_dict(ours.state_dict(), strict=True)
    assert list(ours.state_dict()) == list(theirs.state_dict())


@pytest.mark.parametrize(
    ("depth", "millions"),
    [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7), (1202, 19.4)],
)
def test_cifar_networks_have_the_parameters_of_table_6(depth, millions):
    model = skeleton(ModelSpec(depth=depth))
    count = sum(p.numel() for p in model.parameters())
    assert round(count / 1e6, 2 if millions < 1 else 1) == millions
    weighted = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(weighted) == depth


@pytest.mark.parametrize(
    "text", ["{}-20", "{}-20?norm=none", "{}-20?block=bottleneck", "{}-18?stem=imagenet&shortcut=A"]
)
def test_the_plain_twin_has_the_same_names_shapes_and_initial_numbers(text):
    plain, residual = (
        build(ModelSpec.parse(text.format(family))) for family in ("plain", "residual")
    )
    ours, theirs = plain.state_dict(), residual.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        assert not torch.equal(plain(x), residual(x))


def test_depth_1202_goes_forward():
    model = build(ModelSpec(depth=1202, init="zero-gamma"))
    with torch.no_grad():
        scores = model(torch.randn(1, 3, 8, 8))
    assert scores.shape == (1, 10)
    assert torch.isfinite(scores).all()


@pytest.mark.parametrize("init", ["he", "he-in"])
def test_he_initialisation_has_the_deviation_of_its_fan(init):
    model = build(ModelSpec(depth=20, width=64, init=init))
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            channels = module.in_channels if init == "he-in" else module.out_channels
            expected = math.sqrt(2 / (channels * module.kernel_size[0] * module.kernel_size[1]))
            spread = 5 / math.sqrt(
                2 * module.weight.numel()
            )  # five standard errors of a deviation, relative
            assert module.weight.std().item() == pytest.approx(expected, rel=spread), name
            assert abs(module.weight.mean().item()) < 5 * expected / math.sqrt(
                module.weight.numel()
            )


def test_torch_initialisation_stays_within_and_reaches_its_bounds():
    model = build(ModelSpec(depth=20, norm="none", init="torch"))
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = 1 / math.sqrt(module.weight[0].numel())
            for t in (module.weight, module.bias):
                assert t.abs().max() <= bound
                assert t.abs().max() > 0.7 * bound
            assert module.weight.abs().mean().item() == pytest.approx(bound / 2, rel=0.2)


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_zero_gamma_makes_every_block_pass_its_shortcut_on(norm):
    model = build(ModelSpec(depth=20, init="zero-gamma", norm=norm))
    seen = []
    for module in model.modules():
        if isinstance(module, Block):
            module.add.register_forward_hook(
                lambda m, args, out: seen.append((args[0], args[1], out))
            )
    with torch.no_grad():
        model(torch.randn(1, 3, 32, 32))
    assert len(seen) == 9
    for branch, shortcut, total in seen:
        assert not branch.any()
        assert torch.equal(total, shortcut)


@pytest.mark.parametrize("init", ["he", "torch", "zero-gamma"])
def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_generator_alone(init):
    spec = ModelSpec(depth=8, init=init, seed=5)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = build(spec)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    torch.rand(7)
    second = build(spec)
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )
    other = build(ModelSpec(depth=8, init=init, seed=6))
    assert not torch.equal(first.conv1.weight, other.conv1.weight)


def test_built_networks_are_complete_trainable_and_in_eval_mode():
    model = build(ModelSpec(depth=8, shortcut="C"))
    assert isinstance(model, ResNet)
    assert not any(module.training for module in model.modules())
    assert all(
        p.requires_grad and p.device.type == "cpu" and torch.isfinite(p).all()
        for p in model.parameters()
    )
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all((m.running_mean == 0).all() and (m.running_var == 1).all() for m in norms)
    assert all(m.num_batches_tracked == 0 for m in norms)


def test_a_skeleton_takes_no_memory():
    assert all(t.is_meta for t in skeleton(ModelSpec(depth=20)).state_dict().values())


@pytest.mark.parametrize("side", [8, 32, 33, 64])
def test_every_side_gives_one_score_per_class(side):
    for text in (
        "residual-8?classes=7",
        "plain-8?classes=7",
        "residual-18?stem=imagenet&classes=7&width=8",
    ):
        with torch.no_grad():
            assert build(ModelSpec.parse(text))(torch.zeros(2, 3, side, side)).shape == (2, 7)


@pytest.mark.parametrize(
    ("dilation", "replaced"), [(2, [False, False, True]), (4, [False, True, True])]
)
def test_a_dilated_network_is_torchvisions(dilation, replaced):
    theirs = models.resnet50(
        weights=None, width_per_group=64, replace_stride_with_dilation=replaced
    ).eval()
    spec = ModelSpec.parse(f"residual-50?stem=imagenet&classes=1000&dilation={dilation}")
    ours = build(spec)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))
    strided = build(ModelSpec.parse("residual-50?stem=imagenet&classes=1000"))
    strided.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        assert not torch.allclose(strided(x), theirs(x), rtol=0.1)


def test_the_stride_may_stand_in_the_first_1x1():
    theirs = models.resnet50(weights=None).eval()
    for stage in (theirs.layer2, theirs.layer3, theirs.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    ours = build(ModelSpec.parse("residual-50?stem=imagenet&classes=1000&stride_in_1x1=1"))
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))


def test_the_small_stem_neither_strides_nor_pools():
    theirs = models.resnet18(weights=None, num_classes=10).eval()
    theirs.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    theirs.maxpool = nn.Identity()
    ours = build(ModelSpec.parse("residual-18?stem=small"))
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))


def test_the_head_may_have_several_layers_or_none():
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    bare = build(ModelSpec.parse("residual-8?head=none"))
    deep = build(ModelSpec.parse("residual-8?head=20,30&classes=7"))
    deep.load_state_dict(bare.state_dict(), strict=False)
    with torch.no_grad():
        features = bare(x)
        assert features.shape == (2, 64)
        hidden = torch.relu(deep.fc[2](torch.relu(deep.fc[0](features))))
        torch.testing.assert_close(deep(x), deep.fc[4](hidden))
    assert deep(x).shape == (2, 7)


@pytest.mark.parametrize("channels", [1, 2, 4, 13])
def test_pictures_may_have_other_than_three_channels(channels):
    model = build(ModelSpec.parse(f"residual-8?channels={channels}"))
    assert model(torch.zeros(1, channels, 32, 32)).shape == (1, 10)


@pytest.mark.parametrize("family", ["fixup", "weighted", "preactivation"])
def test_every_family_has_the_new_heads_and_dilations(family):
    model = build(ModelSpec.parse(f"{family}-18?stem=small&width=4&dilation=4&head=9"))
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
    maps = model.layer4(model.layer3(model.layer2(model.layer1(torch.zeros(1, 4, 32, 32)))))
    assert maps.shape == (1, 32, 16, 16)  # one stage strides, two are dilated
