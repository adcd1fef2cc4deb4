import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import timm
import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM as JacobGilGradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn
from torchcam.methods import GradCAM as TorchcamGradCAM

from resviz.probes.attribution.methods import CamGraph, grad_cam, grad_cams
from tests.probes.example_nets import (
    Functional,
    Tiny,
    cifar,
    close,
    imagenet,
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
    """A class for which the layer's map has a positive part, so that comparing positive parts says
    something.
    """
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
