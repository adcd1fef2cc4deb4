"""Fields of whole networks: published numbers, by hand, and against the gradient."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision import models

from resviz.errors import ProbeError
from resviz.models.architectures.resnet import skeleton as weightless
from resviz.models.spec import ModelSpec
from resviz.probes.receptive_field.theoretical import receptive_field
from resviz.probes.receptive_field.tracing import FieldTensor
from tests.probes.example_nets import Functional, cifar, left_as_found, seeded
from tests.probes.receptive_field.gradient_support import outputs, skeleton, support
from tests.probes.receptive_field.graphs import Odd, fields, last


def torchvision(name: str) -> nn.Module:
    extra = (
        {"aux_logits": False, "init_weights": False}
        if name in ("googlenet", "inception_v3")
        else {}
    )
    return models.get_model(name, weights=None, **extra).eval()


@pytest.mark.parametrize(
    ("depth", "size"), [(18, 435), (34, 899), (50, 427), (101, 971), (152, 1451)]
)
def test_the_last_block_of_an_imagenet_resnet(depth: int, size: int):
    found = last(weightless(ModelSpec(depth=depth, stem="imagenet")), "layer4")
    assert (found.size, found.stride, found.start) == (
        (size, size),
        (32, 32),
        (-(size // 2), -(size // 2)),
    )
    assert found.aligned
    assert not found.whole_image


@pytest.mark.parametrize(("depth", "size"), [(50, 483), (101, 1027), (152, 1507)])
def test_the_original_place_of_the_stride_gives_the_numbers_of_araujo_et_al(depth: int, size: int):
    model = weightless(ModelSpec(depth=depth, stem="imagenet"))
    for module in model.modules():
        if hasattr(module, "conv3") and module.conv2.stride == (2, 2):
            module.conv1.stride, module.conv2.stride = (2, 2), (1, 1)
    assert last(model, "layer4").size == (size, size)


@pytest.mark.parametrize(
    ("name", "layer", "size"), [("vgg16", "features", 212), ("alexnet", "features", 195)]
)
def test_vgg_16_and_alexnet(name: str, layer: str, size: int):
    with torch.device("meta"):
        found = last(torchvision(name), layer)
    assert (found.size, found.stride) == ((size, size), (32, 32))


@pytest.mark.parametrize("family", ["residual", "plain"])
@pytest.mark.parametrize(("depth", "size"), [(20, 81), (32, 137), (44, 193), (56, 249), (110, 501)])
def test_the_cifar_family_residual_and_plain_see_the_same(family: str, depth: int, size: int):
    found = receptive_field(weightless(ModelSpec(family=family, depth=depth)), ["layer3"], 32)[0]
    assert (found.size, found.stride, found.start, found.aligned) == (
        (size, size),
        (4, 4),
        (-(size // 2),) * 2,
        True,
    )


def field(
    layers: list[nn.Module], side: int | tuple[int, int] = 64
) -> tuple[object, object, object]:
    found = receptive_field(nn.Sequential(*layers), [str(len(layers) - 1)], side)[0]
    return found.size, found.stride, found.start


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([nn.Conv2d(3, 4, 1)], ((1, 1), (1, 1), (0, 0))),
        ([nn.Conv2d(3, 4, 3)], ((3, 3), (1, 1), (0, 0))),
        (
            [nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 1, 1)],
            ((7, 7), (2, 2), (-3, -3)),
        ),  # 3 + 2 * 2
        ([nn.Conv2d(3, 4, 3, dilation=4)], ((9, 9), (1, 1), (0, 0))),
        ([nn.Conv2d(3, 4, (1, 7), (2, 3), (0, 3))], ((1, 7), (2, 3), (0, -3))),
        (
            [nn.Conv2d(3, 4, 4, padding="same")],
            ((4, 4), (1, 1), (-1, -1)),
        ),  # the odd one goes to the right
        ([nn.Conv2d(3, 4, 5, padding=2, padding_mode="reflect")], ((5, 5), (1, 1), (-2, -2))),
        ([nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2)], ((5, 5), (4, 4), (-1, -1))),
        ([nn.MaxPool2d(3, 2, ceil_mode=True)], ((3, 3), (2, 2), (0, 0))),
        ([nn.Conv2d(3, 4, 2, 2), nn.ConvTranspose2d(4, 3, 2, 2)], ((2, 2), (1, 1), (0, 0))),
        ([nn.ConvTranspose2d(3, 3, 2, 2)], ((1, 1), (0.5, 0.5), (0, 0))),
        ([nn.ConvTranspose2d(3, 3, 4, 2, 1)], ((2, 2), (0.5, 0.5), (-1, -1))),
        ([nn.Upsample(scale_factor=2)], ((1, 1), (0.5, 0.5), (0, 0))),
        (
            [nn.Upsample(scale_factor=2), nn.Conv2d(3, 3, 3)],
            ((2, 2), (0.5, 0.5), (0, 0)),
        ),  # 3 cells of 2 pixels
        ([nn.Upsample(scale_factor=2, mode="bilinear")], ((2, 2), (0.5, 0.5), (-1, -1))),
        ([nn.ZeroPad2d((1, 5, 2, 9)), nn.Conv2d(3, 3, 3)], ((3, 3), (1, 1), (-2, -1))),
        ([nn.PixelUnshuffle(2), nn.Conv2d(12, 4, 3), nn.PixelShuffle(2)], ((6, 6), (1, 1), (0, 0))),
        ([nn.AdaptiveAvgPool2d(16)], ((4, 4), (4, 4), (0, 0))),
        ([nn.AdaptiveAvgPool2d(48)], ((2, 2), (64 / 48, 64 / 48), (0, 0))),
    ],
    ids=lambda value: (
        "-".join(type(la).__name__ for la in value) if isinstance(value, list) else ""
    ),
)
def test_stacks_worked_out_by_hand(layers: list[nn.Module], expected: tuple):
    assert field(layers) == expected


def test_the_centre_is_the_middle_of_the_first_field():
    assert receptive_field(nn.Sequential(nn.Conv2d(3, 1, (4, 3), 2, 1)))[0].centre == (0.5, 0)


@pytest.mark.parametrize("pool", [nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d((1, None))])
def test_global_pooling_sees_the_whole_image_and_so_does_all_behind_it(pool: nn.Module):
    found = fields(nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), pool, nn.Conv2d(4, 4, 1)), (40, 64))
    both = isinstance(pool, nn.AdaptiveAvgPool2d)
    for layer in "12":
        assert found[layer].whole_image == both
        assert found[layer].size == (40, 64 if both else 3)
        assert found[layer].start == (0, 0 if both else -1)
    assert not found["0"].whole_image
    assert found["1"].stride == (40, 64 if both else 2)


def test_the_shortest_and_the_longest_path_through_residual_blocks():
    """A block's branch adds 2 (3 x 3 - 1) times the stride twice, its shortcut nothing."""
    found = fields(cifar(8), 32)
    expected = {
        "conv1": (3, 3),
        "layer1.0.conv1": (5, 5),
        "layer1.0.add": (3, 7),
        "layer2.0.conv1": (5, 9),  # 3 or 7, and 2
        "layer2.0.conv2": (9, 13),  # and 2 * 2
        "layer2.0.shortcut": (3, 7),
        "layer3.0.relu2": (3, 25),
        "avgpool": (32, 32),
    }
    for layer, (smallest, largest) in expected.items():
        assert (found[layer].smallest, found[layer].largest) == ((smallest,) * 2, (largest,) * 2), (
            layer
        )
    plain = fields(cifar(8, family="plain"), 32)["layer3"]
    assert plain.smallest == plain.largest == plain.size == (25, 25)


@pytest.mark.parametrize(
    ("layers", "path"),
    [
        ([nn.Upsample(scale_factor=2), nn.Conv2d(3, 3, 3)], 2),
        ([nn.ConvTranspose2d(3, 3, 4, 2, 1)], 2),
        ([nn.Conv2d(3, 4, 3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Upsample(64)], 64),
        ([nn.Conv2d(3, 4, 3, 2, 1, dilation=3), nn.MaxPool2d(2)], 9),
    ],
)
def test_without_branches_every_path_is_the_field(layers: list[nn.Module], path: int):
    found = receptive_field(nn.Sequential(*layers), [str(len(layers) - 1)], 64)[0]
    assert found.smallest == found.largest == found.size == (path, path)


def test_a_module_that_runs_twice_counts_as_it_ran_last():
    found = fields(seeded(Functional), 32)
    assert list(found) == ["first", "twice"]
    assert found["first"].size == (3, 3)
    assert found["twice"].size == (11, 11)  # 3 + 4 + 4


def test_layers_come_in_the_order_in_which_they_finish_whatever_the_order_asked():
    model = cifar(8)
    names = [found.name for found in receptive_field(model, input_size=32)]
    assert names[:4] == ["conv1", "bn1", "relu", "maxpool"]
    assert names[-2:] == ["layer3", "avgpool"]
    chosen = ["layer3", "conv1", "layer2.0.add"]
    assert [found.name for found in receptive_field(model, chosen, 32)] == [
        "conv1",
        "layer2.0.add",
        "layer3",
    ]


def test_the_model_is_left_as_it_was_found():
    model = cifar(8).train()
    with left_as_found(model):
        receptive_field(model, input_size=32)
    with left_as_found(model), pytest.raises(ProbeError):
        receptive_field(model, ["fc"], 32)


@pytest.mark.parametrize(
    ("odd", "operation"),
    [
        (lambda x: torch.einsum("nchw,nchv->ncwv", x, x), "einsum"),
        (lambda x: x.sort(2).values, "sort"),
        (lambda x: x.matmul(x), "matmul"),
        (lambda x: torch.cat([x, x], 2), "concatenation"),
        (lambda x: x[:, :, torch.tensor([3, 1])], "__getitem__"),
        (lambda x: x.roll(1, 2), "roll"),
        (lambda x: x + x.transpose(2, 3), "add"),
    ],
)
def test_a_layer_behind_an_operation_that_mixes_places_is_refused_by_its_name(
    odd: Callable, operation: str
):
    assert list(fields(Odd(odd), 16)) == ["first"]
    with pytest.raises(
        ProbeError,
        match=f"of second is lost at the operation {operation}.*; choose an earlier layer",
    ):
        receptive_field(Odd(odd), ["second"], 16)


@pytest.mark.parametrize(
    "odd",
    [
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x * x.mean().item(),
        lambda x: x[x > 0].view(1, 4, -1, 1),
    ],
)
def test_a_network_that_looks_at_numbers_is_refused(odd: Callable):
    with pytest.raises(ProbeError, match=r"followed through the operation .*; choose another"):
        receptive_field(Odd(odd), input_size=16)


def test_a_buffer_that_takes_the_map_is_refused():
    def copied(x: Tensor) -> Tensor:
        buffer = torch.zeros(1, 4, 14, 14)
        buffer[:] = x
        return buffer

    with pytest.raises(ProbeError, match="cannot be followed into a buffer"):
        receptive_field(Odd(copied), input_size=16)


@pytest.mark.parametrize(
    ("layers", "size", "told"),
    [
        (["fc"], 32, "fc has no spatial output .*; choose"),
        (["nope"], 32, "no layer 'nope'"),
        (None, 0, "1 x 1 pixels at least, got 0 x 0"),
    ],
)
def test_a_refusal_is_a_sentence(layers: list[str] | None, size: int, told: str):
    with pytest.raises(ProbeError, match=told):
        receptive_field(cifar(8), layers, size)


def test_an_image_smaller_than_a_kernel_is_refused():
    with pytest.raises(
        ProbeError,
        match="a map of 3 x 9 cells is too small for the 5 x 5 convolution; use a larger",
    ):
        receptive_field(nn.Sequential(nn.Conv2d(3, 1, 5)), input_size=(3, 9))
    with (
        torch.device("meta"),
        pytest.raises(ProbeError, match="1 x 1 cells is too small for the 2 x 2 pooling"),
    ):
        receptive_field(torchvision("vgg11"), input_size=16)


def test_a_layer_that_does_not_run_and_a_model_without_maps_are_refused():
    with pytest.raises(ProbeError, match="unused does not run"):
        receptive_field(seeded(Functional), ["unused"], 32)
    with pytest.raises(ProbeError, match="no layer of this model gives a map"):
        receptive_field(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), input_size=2)


CLASSIFIERS = {  # name -> width of the image; kernels without padding need some
    "alexnet": 80,
    "vgg11": 40,
    "vgg13": 40,
    "vgg16_bn": 40,
    "resnet18": 48,
    "resnet34": 48,
    "resnet50": 48,
    "resnext50_32x4d": 48,
    "wide_resnet50_2": 48,
    "squeezenet1_0": 48,
    "squeezenet1_1": 48,
    "densenet121": 64,
    "googlenet": 48,
    "inception_v3": 128,
    "mobilenet_v2": 40,
    "mobilenet_v3_small": 64,
    "mobilenet_v3_large": 64,
    "mnasnet0_5": 40,
    "mnasnet1_0": 40,
    "mnasnet1_3": 40,
    "shufflenet_v2_x0_5": 40,
    "shufflenet_v2_x1_0": 40,
    "shufflenet_v2_x1_5": 40,
    "convnext_tiny": 40,
    "efficientnet_b0": 40,
}


HEIGHTS = {"alexnet": 415, "vgg11": 448, "vgg13": 448, "vgg16_bn": 448}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_layer_of_a_classifier_sees_the_support_of_its_gradient(name: str):
    """Along the height of a narrow image, high enough for the largest field, for the unit in the
    middle.
    """
    with torch.device("meta"):
        model = torchvision(name)
    local = [
        field.size[0] for field in receptive_field(model, input_size=448) if not field.whole_image
    ]
    sides = (HEIGHTS.get(name, -(-(max(local) + 96) // 64) * 64), CLASSIFIERS[name])
    predicted = fields(model, sides)
    x = torch.ones(1, 3, *sides, dtype=torch.float64, requires_grad=True)
    found = outputs(skeleton(model), x)
    checked: dict[int, tuple[int, int]] = {}
    for layer, expected in predicted.items():
        output = found[layer]
        if output.shape[1] > 1 and output.shape[-1] == 1:  # channels last
            output = output.permute(0, 3, 1, 2)
        unit = output.shape[2] // 2
        if id(found[layer]) not in checked:
            checked[id(found[layer])] = support(output, x, (unit, output.shape[3] // 2))[0]
        first, final = checked[id(found[layer])]
        if expected.whole_image:
            assert first == 0 < sides[0] - 9 < final, layer  # strides may leave out the last pixels
            assert (expected.start[0], expected.size[0]) == (0, sides[0]), layer
        else:
            start = expected.start[0] + unit * expected.stride[0]
            assert (first, final) == (start, start + expected.size[0] - 1), layer
            assert 0 < first <= final < sides[0] - 1, layer  # or the image is too small to tell
    assert len(predicted) > 10


SMALL = st.integers(1, 3)


KERNEL = st.tuples(SMALL, SMALL)


@st.composite
def convolutions(draw: st.DrawFn, stride: tuple[int, int] | None = None) -> nn.Module:
    kernel, dilation = draw(KERNEL), draw(KERNEL)
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    return nn.Conv2d(
        1,
        1,
        kernel,
        stride or draw(st.sampled_from([(1, 1), (2, 1), (1, 3), (2, 2)])),
        padding,
        dilation,
    )


class Slice(nn.Module):
    def __init__(self, start: tuple[int, int], step: tuple[int, int]) -> None:
        super().__init__()
        self.start, self.step = start, step

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, self.start[0] :: self.step[0], self.start[1] :: self.step[1]]


class Meet(nn.Module):
    """Any number of branches, cut to the smallest, added or concatenated."""

    def __init__(self, branches: list[nn.Module], concatenates: bool) -> None:
        super().__init__()
        self.branches, self.concatenates = nn.ModuleList(branches), concatenates

    def forward(self, x: Tensor) -> Tensor:
        maps = [branch(x) for branch in self.branches]
        height, width = min(m.shape[2] for m in maps), min(m.shape[3] for m in maps)
        maps = [m[:, :, :height, :width] for m in maps]
        return (
            torch.cat(maps, 1).mean(1, keepdim=True)
            if self.concatenates
            else sum(maps[1:], maps[0])
        )


@st.composite
def meetings(draw: st.DrawFn) -> nn.Module:
    stride = draw(st.sampled_from([(1, 1), (2, 2), (1, 2)]))
    branches: list[nn.Module] = []
    for _ in range(draw(st.integers(2, 3))):
        layers = [draw(convolutions((1, 1))) for _ in range(draw(st.integers(0, 2)))]
        last = [Slice((0, 0), stride), nn.Conv2d(1, 1, 1, stride), draw(convolutions(stride))]
        branches.append(nn.Sequential(*layers, draw(st.sampled_from(last))))
    return Meet(branches, draw(st.booleans()))


LAYERS = st.one_of(
    convolutions(),
    meetings(),
    st.builds(nn.MaxPool2d, SMALL.map(lambda k: k + 1), SMALL, st.just(1), ceil_mode=st.booleans()),
    st.builds(
        lambda k, s, p: nn.ConvTranspose2d(1, 1, k + s, s, p), SMALL, SMALL, st.integers(0, 1)
    ),
    st.builds(
        lambda s, mode: nn.Upsample(scale_factor=s, mode=mode),
        SMALL,
        st.sampled_from(["nearest", "bilinear"]),
    ),
    st.builds(Slice, KERNEL, KERNEL),
    st.builds(nn.ZeroPad2d, st.tuples(SMALL, SMALL, SMALL, SMALL)),
)


SIDES = (90, 84)


@settings(max_examples=60, deadline=None)
@given(st.lists(LAYERS, min_size=1, max_size=5))
def test_any_graph_sees_the_support_of_its_gradient(layers: list[nn.Module]):
    """In the middle of the image, both axes, several units.

    Each unit's own field is what was carried along.
    """
    model = nn.Sequential(nn.Conv2d(3, 1, 1), *layers)
    end = str(len(layers))
    try:
        (expected,) = receptive_field(model, [end], SIDES)
    except ProbeError as refusal:  # strides may leave too little for a kernel
        assume("too small" not in str(refusal))
        raise
    assume(max(expected.size) < 30)
    carried = model(FieldTensor.image(3, SIDES, torch.float32))
    x = torch.ones(1, 3, *SIDES, dtype=torch.float64, requires_grad=True)
    output = outputs(skeleton(model), x)[end]
    assert carried.shape[2:] == output.shape[2:]
    assume(min(output.shape[2:]) >= 8)
    middle = [side // 2 for side in output.shape[2:]]
    for shift in range(-2, 3):
        unit = (middle[0] + shift, middle[1] + shift)
        for axis, index, found, side in zip(
            carried.fields.axes, unit, support(output, x, unit), SIDES, strict=True
        ):
            if (
                axis.first(index) >= 0 and axis.last(index) < side
            ):  # beyond the image there is no gradient
                assert (axis.first(index), axis.last(index)) == found
    for axis, stride, size, start in zip(
        carried.fields.axes, expected.stride, expected.size, expected.start, strict=True
    ):
        assert (float(axis.first.rate), axis.size, axis.first(0)) == (stride, size, start)
