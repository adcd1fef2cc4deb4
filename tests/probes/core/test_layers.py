import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from resviz.errors import ProbeError
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.core.layers import Layer, blocks, last_spatial, layers
from tests.probes.example_nets import Functional, cifar, imagenet, left_as_found, picture, seeded


def gigamacs(model: nn.Module, side: int = 224) -> float:
    return sum(layer.macs for layer in layers(model, side)) / 1e9


@pytest.mark.parametrize(
    ("depth", "table_1", "torchvision"),  # torchvision: the "GFLOPS" of its weights' metadata
    [(18, 1.8, 1.814), (34, 3.6, 3.664), (50, 3.8, 4.089), (101, 7.6, 7.801), (152, 11.3, 11.514)],
)
def test_multiply_adds_are_those_of_he_et_al_and_of_torchvision(
    depth: int, table_1: float, torchvision: float
):
    model = build(ModelSpec(depth=depth, stem="imagenet", classes=1000))
    assert gigamacs(model) == pytest.approx(torchvision, abs=5e-4)
    for module in model.modules():  # the paper's place for the stride: the first 1x1 convolution
        if hasattr(module, "conv3") and module.conv2.stride == (2, 2):
            module.conv1.stride, module.conv2.stride = (2, 2), (1, 1)
    assert gigamacs(model) == pytest.approx(table_1, rel=0.022)


def test_multiply_adds_by_hand():
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),  # 8 x 5 x 5 numbers of 3 x 3 x 3 products
        nn.Conv2d(8, 8, 5, padding=2, groups=4),  # 8 x 5 x 5 numbers of 2 x 5 x 5 products
        nn.ConvTranspose2d(
            8, 6, 2, stride=2, groups=2
        ),  # 8 x 5 x 5 numbers, each spread over 3 x 2 x 2
        nn.Flatten(),
        nn.Linear(600, 4),
    )
    expected = [200 * 27, 200 * 50, 200 * 12, 0, 2400]
    assert [layer.macs for layer in layers(model, 9)] == expected


@pytest.mark.parametrize(
    "net", [lambda: imagenet(18), lambda: cifar(20), lambda: timm.create_model("resnet10t")]
)
def test_multiply_adds_are_half_of_what_torch_counts(net):
    model = net().eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(picture(64))
    assert sum(layer.macs for layer in layers(model, 64)) * 2 == counter.get_total_flops()


@pytest.mark.parametrize(
    "net", [lambda: imagenet(50), cifar, lambda: timm.create_model("convnext_atto")]
)
def test_shapes_and_order_are_those_of_a_real_forward(net):
    model, finished = net().eval(), {}
    for name, module in model.named_modules():
        if name:
            module.register_forward_hook(
                lambda m, i, o, name=name: finished.update({name: tuple(o.shape[1:])})
            )
    with torch.no_grad():
        model(picture(64))
    found = layers(model, 64)
    assert [(layer.name, layer.output_shape) for layer in found] == list(finished.items())
    assert [layer.spatial for layer in found] == [len(shape) == 3 for shape in finished.values()]


@pytest.mark.parametrize(
    "net", [lambda: imagenet(18), cifar, lambda: timm.create_model("resnet10t")]
)
def test_own_parameters_sum_to_the_networks(net):
    model = net()
    found = layers(model, 64)
    assert sum(layer.parameters for layer in found) == sum(p.numel() for p in model.parameters())
    assert found[0].parameters == sum(
        p.numel() for p in model.get_submodule(found[0].name).parameters()
    )


def test_shared_parameters_count_once_and_those_of_modules_that_never_run_at_the_one_around():
    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(12, 2)  # uses its `out_proj` without calling it
            self.first, self.second = nn.Linear(12, 12), nn.Linear(12, 12)
            self.second.weight = self.first.weight

        def forward(self, x: Tensor) -> Tensor:
            x = x.flatten(2).transpose(1, 2)  # (N, side, 3 side)
            return self.second(self.first(self.attention(x, x, x)[0]))

    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.widen, self.inner = nn.Conv2d(3, 12, 1), Attends()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(self.widen(x))

    model = Root()
    found = {layer.name: layer for layer in layers(model, 4)}
    assert sum(layer.parameters for layer in found.values()) == sum(
        p.numel() for p in model.parameters()
    )
    assert found["inner.attention"].parameters == sum(
        p.numel() for p in model.inner.attention.parameters()
    )
    assert found["inner.second"].parameters == 12
    assert found["inner.attention"].output_shape == (16, 12)


def test_a_module_used_twice_is_one_row_with_the_work_of_both():
    found = {layer.name: layer for layer in layers(seeded(Functional), 8)}
    assert list(found) == ["first", "twice", "pair", "head", "unused"]
    assert found["unused"] == Layer("unused", "Linear", (), 6, 0, leaf=True, spatial=False)
    assert found["twice"] == Layer(
        "twice", "Conv2d", (6, 4, 4), 6 * 6 * 9 + 6, 2 * 96 * 54, leaf=True, spatial=True
    )
    assert (found["pair"].output_shape, found["pair"].spatial) == (
        (6, 4, 4),
        False,
    )  # a tuple is no map


def test_a_module_stands_where_it_ran_last():
    relu = nn.ReLU()
    model = nn.Sequential(nn.Conv2d(3, 4, 3), relu, nn.Conv2d(4, 4, 3), relu)
    assert [layer.name for layer in layers(model, 8)] == ["0", "2", "1"]


def test_containers_finish_after_their_parts():
    found = {layer.name: i for i, layer in enumerate(layers(cifar(), 32))}
    kinds = {layer.name: (layer.kind, layer.leaf) for layer in layers(cifar(), 32)}
    assert "" not in found
    assert found["layer1.0.relu2"] < found["layer1.0"] < found["layer1"] < found["layer2.0.conv1"]
    assert kinds["layer1"] == ("Sequential", False)
    assert kinds["layer1.0"] == ("Residual", False)
    assert kinds["fc"] == ("Linear", True)


def test_a_network_that_looks_at_values_sees_a_black_image():
    class Looks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x) if x.max() <= 0 else x.view(0, -1)

    assert [layer.output_shape for layer in layers(Looks(), 8)] == [(4, 6, 6)]


def test_nothing_is_computed(monkeypatch: pytest.MonkeyPatch):
    sizes = []
    model = cifar()
    convolve = nn.Conv2d.forward
    monkeypatch.setattr(
        nn.Conv2d, "forward", lambda self, x: sizes.append(x.numel()) or convolve(self, x)
    )
    layers(model, 32)
    assert sizes
    assert not any(sizes)


def test_the_model_gets_no_hook_and_other_peoples_hooks_see_nothing():
    model, seen = cifar().train(), []
    model.layer1.register_forward_hook(lambda m, i, o: seen.append(o))
    with left_as_found(model):
        layers(model, 32)
    assert not seen


def test_a_network_that_cannot_take_the_image_says_why_itself():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(1, 4, 3))
    with (
        left_as_found(model),
        pytest.raises(ProbeError, match=r"3 x 8 x 8 numbers .*expected input"),
    ):
        layers(model, 8)


def test_the_last_layer_with_more_than_one_cell_depends_on_the_image():
    model = imagenet(18)
    assert last_spatial(model, 224) == "layer4.1"
    assert last_spatial(model, 32) == "layer3.1"
    assert (
        last_spatial(
            nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1)), 8
        )
        == "1"
    )
    assert last_spatial(timm.create_model("resnet10t"), 64) == "layer4.0"


def test_an_image_too_small_for_any_map_is_refused():
    with pytest.raises(
        ProbeError,
        match="no layer gives a map of more than one cell at 1 pixels; use a larger image",
    ):
        last_spatial(imagenet(18), 1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "alexnet",
            [f"features.{i}" for i in (0, 2, 3, 5, 6, 8, 10, 12)],
        ),  # 5 convolutions, 3 poolings
        (
            "squeezenet1_1",
            [f"features.{i}" for i in (0, *range(2, 13))] + ["classifier.1"],
        ),  # fire modules whole
        ("efficientnet_b0", [f"features.{i}" for i in range(9)]),
    ],
)
def test_a_network_without_blocks_is_taken_apart_into_its_steps(name: str, expected: list[str]):
    assert list(blocks(getattr(torchvision.models, name)(weights=None).eval())) == expected


@pytest.mark.parametrize(
    ("name", "options", "rest"),
    [
        ("googlenet", {"init_weights": False}, {"aux1", "aux2"}),
        ("vit_b_32", {}, {"class_token"}),
        ("swin_t", {}, set()),
    ],
)
def test_auxiliary_heads_and_class_tokens_have_rows_so_that_all_sums_hold(
    name: str, options: dict[str, bool], rest: set[str]
):
    model = getattr(torchvision.models, name)(weights=None, **options).eval()
    rows = layers(model, 224)
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in model.parameters())
    silent = {row.name for row in rows if not row.output_shape or row.kind == "Parameter"}
    assert rest <= silent
    assert all(row.macs == 0 for row in rows if row.name in rest)


@pytest.mark.parametrize("channels", [1, 4, 12])
def test_an_image_has_as_many_channels_as_the_first_convolution_takes(channels: int):
    model = cifar()
    model.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
    assert layers(model, 32)[0].macs == 16 * 32 * 32 * 9 * channels
    assert last_spatial(model, 32) == "layer3.0"


def test_a_network_of_volumes_is_refused():
    with pytest.raises(ProbeError, match="begins with a Conv3d and takes no pictures"):
        layers(nn.Sequential(nn.Conv3d(3, 4, 3)), 8)


def test_the_last_map_of_a_network_with_channels_last_has_cells():
    model = torchvision.models.swin_t(weights=None).eval()
    assert last_spatial(model, 224) == "features.7.1"
    assert last_spatial(model, 32).startswith("features.5")  # features.7 has one cell there
