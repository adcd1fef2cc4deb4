import copy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM as JacobGilGradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn
from torchcam.methods import GradCAM as TorchcamGradCAM

from resviz.errors import ProbeError
from resviz.probes.attribution.methods import METHODS, CamGraph, attribute, grad_cam, grad_cams
from tests.probes.example_nets import (
    Breaks,
    Functional,
    cifar,
    imagenet,
    left_as_found,
    picture,
    seeded,
)

NETS = {
    "resnet18": (
        lambda: imagenet(18),
        ("layer1", "layer2.0.add", "layer3.1.conv1", "layer4.1", "layer4"),
    ),
    "resnet50": (
        lambda: imagenet(50),
        ("layer1.2.branch", "layer2", "layer3.0.shortcut", "layer4.2.bn3", "layer4"),
    ),
    "timm resnet10t": (
        lambda: timm.create_model("resnet10t", num_classes=20),
        ("conv1", "layer2", "layer4.0"),
    ),
    "functional": (lambda: seeded(Functional), ("first",)),
}


@pytest.fixture(scope="module", params=NETS)
def net(request: pytest.FixtureRequest) -> tuple[nn.Module, tuple[str, ...]]:
    build, layers = NETS[request.param]
    return build().eval(), layers


def close(found: np.ndarray, expected: np.ndarray | Tensor) -> bool:
    """Equal to 1e-5 of the largest entry, which must not be zero."""
    expected = np.asarray(expected)
    return bool(np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max() > 0)


class Tiny(nn.Module):
    """A head of pooling and one linear layer on whatever comes in."""

    def __init__(self, weight: list[list[float]]) -> None:
        super().__init__()
        self.features = nn.Identity()
        self.fc = nn.Linear(len(weight[0]), len(weight), bias=False)
        self.fc.weight.data = torch.tensor(weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean((2, 3)))


# Grad-CAM


def test_an_example_worked_by_hand():
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[0.0, -1.0], [1.0, 0.0]]]])
    found = grad_cam(Tiny([[4.0, -8.0], [0.0, 4.0]]), x, "features", 0)
    # alpha = (4, -8) / 4 cells = (1, -2): A^1 - 2 A^2
    assert found.map.tolist() == [[1.0, 4.0], [1.0, 4.0]]
    # the scores are 4 * 2.5 - 8 * 0 = 10 and 0
    assert found.probability == pytest.approx(1 / (1 + np.exp(-10)))
    assert (found.method, found.layer, found.target, found.input_size) == (
        "grad-cam",
        "features",
        0,
        (2, 2),
    )


def test_maps_are_captums(net):
    model, layers = net
    x, graph = picture(), CamGraph(model, picture(), layers)
    signed = []
    for layer in layers:
        peer, found = LayerGradCam(model, model.get_submodule(layer)), graph.grad_cam(layer, 3).map
        assert close(found, peer.attribute(x, 3, relu_attributions=False)[0, 0].detach())
        np.testing.assert_allclose(
            found.clip(0),
            peer.attribute(x, 3, relu_attributions=True)[0, 0].detach(),
            atol=1e-5 * np.abs(found).max(),
        )
        signed.append((found < 0).any())
    assert any(signed)


def test_maps_are_pytorch_grad_cams(net):
    model, layers = net
    graph, peer_model = CamGraph(model, picture(), layers), copy.deepcopy(model)
    for layer in layers:
        target = positive_target(graph, layer)
        with JacobGilGradCAM(peer_model, [peer_model.get_submodule(layer)]) as peer:
            expected = peer(picture(), [ClassifierOutputTarget(target)])[0]
        positive = graph.grad_cam(layer, target).map.clip(0)[None]
        assert close(scale_cam_image(scale_cam_image(positive, (96, 96)))[0], expected)


def test_maps_are_torchcams(net):
    model, layers = net
    graph, peer_model = CamGraph(model, picture(), layers), copy.deepcopy(model)
    for layer in layers:
        target = positive_target(graph, layer)
        with TorchcamGradCAM(peer_model, layer) as peer:
            scores = peer_model(picture())
            expected = peer(target, scores, normalized=False)[0][0]
        assert close(graph.grad_cam(layer, target).map.clip(0), expected)


def positive_target(graph: CamGraph, layer: str) -> int:
    """A class for which the layer's map has a positive part, so that comparing positive parts says something."""
    return next(t for t in range(5) if graph.grad_cam(layer, t).map.max() > 1e-6)


def test_the_last_stages_weights_are_those_of_the_head_over_the_cells():
    model, x = imagenet(50), picture(128)
    graph = CamGraph(model, x, ["layer4"])
    activation = graph.activation("layer4").numpy()
    for target in (0, 7, 19):
        alpha = model.fc.weight[target].detach().numpy() / 16  # 4 x 4 cells
        assert close(
            graph.grad_cam("layer4", target).map, np.einsum("c,chw->hw", alpha, activation)
        )


def test_gradients_are_those_of_the_network_cut_by_hand():
    model, x = cifar(), picture(32)
    graph = CamGraph(model, x, ["layer2"])
    a = graph.activation("layer2")[None].clone().requires_grad_()
    score = model.fc(model.avgpool(model.layer3(a)).flatten(1))[0, 4]
    (expected,) = torch.autograd.grad(score, a)
    assert close(graph.gradient("layer2", 4).numpy(), expected[0])


def test_of_a_module_that_runs_twice_the_last_run_counts():
    model, x = seeded(Functional), picture(8)
    with torch.no_grad():
        first = model.twice(model.first(x).relu()).relu()
    last = model.twice(first).requires_grad_()
    score = model.head((first + last).mul(2).mean((2, 3)))[0, 2]
    (gradient,) = torch.autograd.grad(score, last)
    expected = (gradient.mean((2, 3), keepdim=True) * last).sum(1)[0].detach()
    assert close(grad_cam(model, x, "twice", 2).map, expected)


def test_several_layers_at_once_are_the_layers_one_by_one(net):
    model, layers = net
    together = grad_cams(model, picture(), layers, 2)
    assert list(together) == list(layers)
    for layer in layers:
        assert close(together[layer].map, grad_cam(model, picture(), layer, 2).map)


def test_nested_layers_that_hand_on_one_tensor_have_one_map():
    model, layers = cifar(), ["layer2", "layer2.0", "layer2.0.relu2"]
    maps = [found.map for found in grad_cams(model, picture(32), layers, 1).values()]
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[1], maps[2])
    assert maps[0].any()


def test_a_layer_is_seen_before_the_next_one_changes_it_in_place():
    conv, head = nn.Conv2d(3, 4, 1), (nn.AdaptiveAvgPool2d(1), nn.Flatten())
    changing = CamGraph(nn.Sequential(conv, nn.ReLU(inplace=True), *head), picture(8), ["0"])
    keeping = CamGraph(nn.Sequential(conv, nn.ReLU(), *head), picture(8), ["0"])
    assert (changing.activation("0") < 0).any()
    np.testing.assert_array_equal(changing.grad_cam("0", 1).map, keeping.grad_cam("0", 1).map)


def test_two_branches_chosen_together_each_keep_their_gradient():
    model, x = cifar(), picture(32)
    layers = ["layer2.0.branch", "layer2.0.shortcut"]
    both = CamGraph(model, x, layers)
    for layer in layers:
        alone = CamGraph(model, x, [layer])
        assert close(both.gradient(layer, 6).numpy(), alone.gradient(layer, 6))


def test_frozen_weights_change_nothing():
    model, frozen = cifar(), cifar().requires_grad_(False)
    layers = ["layer1.0.conv2", "layer2.0.shortcut", "layer3"]
    for layer, expected in grad_cams(model, picture(32), layers, 3).items():
        np.testing.assert_array_equal(grad_cam(frozen, picture(32), layer, 3).map, expected.map)
        np.testing.assert_array_equal(
            grad_cams(frozen, picture(32), layers, 3)[layer].map, expected.map
        )


@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad])
def test_the_callers_grad_mode_does_not_matter(mode):
    expected = grad_cam(cifar(), picture(32), "layer2", 1).map
    with mode():
        np.testing.assert_array_equal(grad_cam(cifar(), picture(32), "layer2", 1).map, expected)


def test_the_graph_answers_class_after_class_from_one_forward(monkeypatch: pytest.MonkeyPatch):
    model, runs = cifar(), []
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda x: runs.append(1) or forward(x))
    graph = CamGraph(model, picture(32), ["layer1", "layer3"])
    answers = [graph.grad_cam(layer, target).map for target in range(10) for layer in graph.layers]
    assert len(runs) == 1
    assert len({answer.tobytes() for answer in answers}) == 20
    assert graph.probabilities.sum() == pytest.approx(1)


def test_one_graph_serves_many_threads():
    graph = CamGraph(cifar(), picture(32), ["layer1", "layer3"])
    wanted = [(layer, target) for target in range(10) for layer in graph.layers] * 4
    expected = [graph.grad_cam(*question).map for question in wanted]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda question: graph.grad_cam(*question).map, wanted))
    assert all(np.array_equal(a, b) for a, b in zip(answers, expected, strict=True))


def test_the_last_stages_graph_keeps_no_more_than_a_hundredth_of_a_mebibyte():
    model, kept = imagenet(50), {}
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept.update({storage.data_ptr(): storage.nbytes()} if storage.data_ptr() not in own else {})
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        graph = CamGraph(model, picture(224), ["layer4"])
    assert graph.grad_cam("layer4", 0).map.any()
    assert 0 < sum(kept.values()) <= 2**20 / 100


def test_a_copy_in_half_precision_gives_nearly_the_same_map():
    model = imagenet(18)
    half = copy.deepcopy(model).bfloat16().to(memory_format=torch.channels_last)
    small = picture().bfloat16().contiguous(memory_format=torch.channels_last)
    expected, found = grad_cam(model, picture(), "layer4", 5), grad_cam(half, small, "layer4", 5)
    assert found.map.dtype == np.float32
    assert np.abs(found.map - expected.map).max() < 0.03 * np.ptp(expected.map)
    assert found.probability == pytest.approx(expected.probability, rel=0.1)


def test_a_network_whose_output_does_not_depend_on_the_layer_has_a_flat_map():
    graph = CamGraph(Tiny([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), picture(4), ["features"])
    assert graph.grad_cam("features", 0).is_flat
    assert not graph.grad_cam("features", 1).is_flat


def test_a_network_that_detaches_has_a_flat_map():
    class Detaches(Tiny):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x).detach()

    assert (
        CamGraph(Detaches([[1.0, 1.0, 1.0]]), picture(4), ["features"])
        .grad_cam("features", 0)
        .is_flat
    )


# Methods of whole pixels


def test_saliency_is_the_largest_absolute_slope_over_the_colours():
    model, x = cifar(), picture(32).requires_grad_()
    (gradient,) = torch.autograd.grad(model(x)[0, 5], x)
    found = attribute(model, x.detach(), "saliency", 5)
    np.testing.assert_allclose(found.map, gradient[0].abs().amax(0), rtol=1e-5)
    assert (found.layer, found.map.shape, found.input_size) == (None, (32, 32), (32, 32))


def test_integrated_gradients_sum_to_the_rise_of_the_score_from_grey():
    model, x = cifar(activation="gelu"), picture(32)
    with torch.no_grad():
        rise = (model(x) - model(torch.zeros_like(x)))[0, 2].item()
    assert attribute(model, x, "integrated-gradients", 2).map.sum() == pytest.approx(rise, rel=1e-3)


def test_integrated_gradients_of_a_linear_network_are_input_times_weight():
    x = picture(6)
    expected = (x[0] * torch.tensor([2.0, -3.0, 1.0])[:, None, None] / 36).sum(0)
    found = attribute(Tiny([[0.0, 0.0, 0.0], [2.0, -3.0, 1.0]]), x, "integrated-gradients", 1).map
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("side", [14, 17])
def test_occlusion_is_the_mean_fall_of_the_score_over_the_windows_of_a_pixel(side: int):
    model, x = cifar(), picture(side)
    with torch.no_grad():
        whole = model(x)[0, 1].item()
        falls, counts = np.zeros((side, side)), np.zeros((side, side))
        for top in range(0, side - 1):
            for left in range(0, side - 1):
                covered = x.clone()
                covered[..., top : top + 2, left : left + 2] = 0
                falls[top : top + 2, left : left + 2] += whole - model(covered)[0, 1].item()
                counts[top : top + 2, left : left + 2] += 1
    found = attribute(model, x, "occlusion", 1).map
    np.testing.assert_allclose(found, falls / counts, atol=1e-4 * np.abs(falls / counts).max())
    assert (found < 0).any()


class GuidedReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.relu()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient.clip(0) * (ctx.saved_tensors[0] > 0)


def test_guided_grad_cam_is_guided_backpropagation_times_the_enlarged_map(
    monkeypatch: pytest.MonkeyPatch,
):
    model, x = cifar(), picture(32)
    found = attribute(model, x, "guided-grad-cam", 4, "layer2")
    positive = torch.from_numpy(grad_cam(model, x, "layer2", 4).map).clip(0)[None, None]
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, x: GuidedReLU.apply(x))
    leaf = x.clone().requires_grad_()
    (guided,) = torch.autograd.grad(model(leaf)[0, 4], leaf)
    expected = (guided * F.interpolate(positive, (32, 32), mode="bilinear")).sum(1)[0]
    assert close(found.map, expected)
    assert (found.method, found.layer) == ("guided-grad-cam", "layer2")


# All methods


def _layer(method: str) -> str | None:
    return "0" if METHODS[method].needs_layer else None


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_signed_or_not_and_says_what_it_did(method: str):
    model, x, shares = cifar(), picture(32), []
    found = attribute(model, x, method, 6, progress=shares.append)
    row = METHODS[method]
    with torch.no_grad():
        probability = model(x).softmax(1)[0, 6].item()
    assert (found.method, found.target, found.input_size) == (method, 6, (32, 32))
    assert found.layer == ("layer3.0" if row.needs_layer else None)
    assert found.probability == pytest.approx(probability, rel=1e-5)
    assert found.map.dtype == np.float32
    assert (
        any((attribute(model, x, method, target).map < 0).any() for target in (6, 0)) == row.signed
    )
    assert not found.is_flat
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 4 or not row.slow


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_image_is_allowed(method: str):
    assert np.isfinite(attribute(cifar(), torch.zeros(1, 3, 32, 32), method, 0).map).all()


@pytest.mark.parametrize("method", METHODS)
def test_no_slope_gives_a_flat_map(method: str):
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    for parameter in model.parameters():
        parameter.data.fill_(-1.0)  # the ReLU is dead for every positive image
    assert attribute(model, picture(8).abs(), method, 2, layer=_layer(method)).is_flat


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt("stop")])
def test_the_model_is_left_as_found_whether_the_forward_fails_or_not(
    method: str, error: BaseException
):
    parts = (
        nn.Conv2d(3, 4, 1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        Breaks(error),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    model, x = nn.Sequential(*parts).train(), picture(8)
    x_before = x.clone()
    with left_as_found(model):
        with pytest.raises(type(error)):
            attribute(model, x, method, 1, _layer(method))
        model[3].armed = False
        attribute(model, x, method, 1, _layer(method))
        with pytest.raises(ProbeError):
            attribute(model, x, method, 4, _layer(method))
    assert torch.equal(x, x_before)
    assert not x.requires_grad


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("runs", [1, 2])
def test_the_model_is_left_as_found_when_a_later_forward_fails(method: str, runs: int):
    class BreaksLater(Breaks):
        def forward(self, x: Tensor) -> Tensor:
            self.runs -= 1
            return super().forward(x) if self.runs < 0 else x

    later = BreaksLater(KeyboardInterrupt("stop"))
    model = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.ReLU(), later, nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).train()
    later.runs = runs
    with left_as_found(model):
        try:
            attribute(model, picture(8), method, 1, _layer(method))
        except KeyboardInterrupt:
            assert method != "grad-cam"  # which has one forward only
        else:
            assert method in ("grad-cam", "saliency")
        later.runs = runs  # a plain number, but part of what must not differ


def test_stopping_from_the_progress_function_leaves_the_model_alone():
    model = cifar().train()

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with left_as_found(model):
        for method in ("integrated-gradients", "occlusion"):
            with pytest.raises(KeyboardInterrupt):
                attribute(model, picture(32), method, 1, progress=stop)


# Refusals


@pytest.mark.parametrize(
    ("method", "target", "layer", "sentence"),
    [
        (
            "lime",
            0,
            None,
            "there is no method 'lime'; choose one of grad-cam, guided-grad-cam, saliency, integrated-",
        ),
        ("grad-cam", 10, None, "there is no class 10; choose one from 0 to 9"),
        ("guided-grad-cam", 10, None, "there is no class 10; choose one from 0 to 9"),
        ("saliency", -1, None, "there is no class -1; choose one from 0 to 9"),
        ("integrated-gradients", 99, None, "there is no class 99; choose one from 0 to 9"),
        ("occlusion", 99, None, "there is no class 99; choose one from 0 to 9"),
        ("grad-cam", 0, "layer3.1", "this model has no layer 'layer3.1'; did you mean layer3"),
        (
            "grad-cam",
            0,
            "fc",
            "fc has no spatial output (its shape is 10); choose a convolution or a block such as layer",
        ),
        ("guided-grad-cam", 0, "fc", "fc has no spatial output (its shape is 10)"),
        (
            "grad-cam",
            0,
            "avgpool",
            "layer avgpool is a single cell and a map needs more; choose an earlier layer",
        ),
        ("guided-grad-cam", 0, "avgpool", "layer avgpool is a single cell and a map needs more"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    method: str, target: int, layer: str | None, sentence: str
):
    model = cifar().train()
    with left_as_found(model), pytest.raises(ProbeError) as refusal:
        attribute(model, picture(32), method, target, layer)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_layer_that_does_not_run_is_refused():
    with pytest.raises(
        ProbeError,
        match="layer unused does not run when the model looks at an image; choose another",
    ):
        CamGraph(seeded(Functional), picture(8), ["first", "unused"])


class Mixes(Functional):
    def forward(self, x: Tensor) -> Tensor:
        return self.relu(super().forward(x))

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()


def shared_relu() -> nn.Module:
    relu = nn.ReLU()
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), relu, nn.Conv2d(4, 4, 3), relu, nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (lambda: cifar(activation="gelu"), "this model does not fit: it has none; choose grad-cam"),
        (
            lambda: seeded(Functional),
            "this model does not fit: it calls ReLU as a function; choose grad-cam",
        ),
        (
            lambda: seeded(Mixes),
            "this model does not fit: it calls ReLU as a function; choose grad-cam",
        ),
        (shared_relu, "this model does not fit: its 1 is used 2 times; choose grad-cam"),
        (
            lambda: nn.Sequential(
                nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()
            ),
            "this model does not fit: its 1 works in place; choose grad-cam",
        ),
    ],
)
def test_guided_grad_cam_refuses_networks_that_captum_would_get_wrong(net, reason: str):
    model = net().train()
    with left_as_found(model), pytest.raises(ProbeError) as refusal:
        attribute(model, picture(32), "guided-grad-cam", 0)
    assert reason in str(refusal.value)


def test_captum_is_imported_by_the_methods_that_need_it_and_no_sooner():
    program = (
        "import sys, torch; from resviz.models.architectures.resnet import build\n"
        "from resviz.models.spec import ModelSpec; from resviz.probes.attribution.methods import attribute\n"
        "m, x = build(ModelSpec(depth=8)), torch.zeros(1, 3, 32, 32)\n"
        "attribute(m, x, 'grad-cam', 0); assert 'captum' not in sys.modules\n"
        "attribute(m, x, 'saliency', 0); assert 'captum' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


@pytest.mark.parametrize("method", ["saliency", "integrated-gradients", "occlusion"])
def test_a_layer_for_a_method_of_pixels_is_refused(method):
    with pytest.raises(ProbeError, match="takes no layer; leave the layer out"):
        attribute(cifar(), picture(32), method, 0, "layer1.0")
