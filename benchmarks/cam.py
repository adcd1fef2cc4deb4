"""Grad-CAM of ResNet-50 at 224 pixels; 1 = one plain forward pass of the same network.

The peers get what they need set up beforehand, a copy of the network each, and the same weights.
"""

import copy
from collections.abc import Callable
from functools import partial

import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM as JacobGil  # type: ignore[import-untyped]
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget  # type: ignore[import-untyped]
from torch import Tensor, nn
from torchcam.methods import GradCAM as Torchcam

from benchmarks.measure import Result, compare, ratios
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.attribution.grad_cam import CamGraph, grad_cam, grad_cams

LAST, STAGES, TARGET, FIVE = "layer4", ("layer1", "layer2", "layer3", "layer4"), 3, range(5)
PEERS = ("torchcam", "captum", "pytorch-grad-cam")


def run() -> list[Result]:
    model = build(ModelSpec(depth=50, stem="imagenet", classes=1000))
    x = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    return [*_times(model, x), *_half(model, x), _memory(model, x)]


def _times(model: nn.Module, x: Tensor) -> list[Result]:
    graph = {layer: CamGraph(model, x, [layer]) for layer in (LAST, "layer3")}
    found = ratios(
        partial(_plain, model, x),
        {
            "one": lambda: grad_cam(model, x, LAST, TARGET),
            "another": lambda: graph[LAST].grad_cam(LAST, TARGET),
            "another in stage 3": lambda: graph["layer3"].grad_cam("layer3", TARGET),
            "five": lambda: _five(model, x),
            "four stages": lambda: grad_cams(model, x, STAGES, TARGET),
            **_peers(model, x),
        },
        rounds=12,
    )
    again = {
        "torchcam": "torchcam another",
        "captum": "captum one",
        "pytorch-grad-cam": "pytorch-grad-cam one",
    }

    def row(what: str, goal: float, ours: str) -> Result:
        return compare(what, goal, found, ours, {peer: f"{peer} {ours}" for peer in PEERS})

    return [
        row("Grad-CAM, last stage, one class", 1.05, "one"),
        compare("another class, graph kept, last stage", 0.02, found, "another", again),
        compare("another class, graph kept, stage 3", 0.4, found, "another in stage 3"),
        row("five classes, last stage", 1.08, "five"),
        row("four stages at once", 2.05, "four stages"),
    ]


def _plain(model: nn.Module, x: Tensor) -> object:
    with torch.no_grad():
        return model(x)


def _five(model: nn.Module, x: Tensor) -> list[object]:
    graph = CamGraph(model, x, [LAST])
    return [graph.grad_cam(LAST, target) for target in FIVE]


def _peers(model: nn.Module, x: Tensor) -> dict[str, Callable[[], object]]:
    """The same work by others, as "peer work"."""
    one, four = Torchcam(copy.deepcopy(model), LAST), Torchcam(copy.deepcopy(model), list(STAGES))
    kept = Torchcam(copy.deepcopy(model), LAST)
    scores = kept.model(x)

    def torchcam(cam: Torchcam, targets: range) -> list[object]:
        scores = cam.model(x)
        return [cam(target, scores, retain_graph=target != targets[-1]) for target in targets]

    own = copy.deepcopy(model)
    captum = {stage: LayerGradCam(own, own.get_submodule(stage)) for stage in STAGES}
    other, others = copy.deepcopy(model), copy.deepcopy(model)
    jacobgil = JacobGil(other, [other.get_submodule(LAST)])
    jacobgil_four = JacobGil(others, [others.get_submodule(stage) for stage in STAGES])
    only = range(TARGET, TARGET + 1)
    return {
        "torchcam one": lambda: torchcam(one, only),
        "torchcam another": lambda: kept(TARGET, scores, retain_graph=True),
        "torchcam five": lambda: torchcam(one, FIVE),
        "torchcam four stages": lambda: torchcam(four, only),
        "captum one": lambda: captum[LAST].attribute(x, TARGET, relu_attributions=True),
        "captum five": lambda: [
            captum[LAST].attribute(x, target, relu_attributions=True) for target in FIVE
        ],
        "captum four stages": lambda: [
            cam.attribute(x, TARGET, relu_attributions=True) for cam in captum.values()
        ],
        "pytorch-grad-cam one": lambda: jacobgil(x, [ClassifierOutputTarget(TARGET)]),
        "pytorch-grad-cam five": lambda: [
            jacobgil(x, [ClassifierOutputTarget(target)]) for target in FIVE
        ],
        "pytorch-grad-cam four stages": lambda: jacobgil_four(x, [ClassifierOutputTarget(TARGET)]),
    }


def _half(model: nn.Module, x: Tensor) -> list[Result]:
    """A copy of the network in bf16 and channels_last, where the processor multiplies bf16 fast."""
    if not torch.cpu._is_amx_tile_supported():
        return []
    half, small = (
        copy.deepcopy(model).bfloat16(),
        x.bfloat16().contiguous(memory_format=torch.channels_last),
    )
    half.to(memory_format=torch.channels_last)
    found = ratios(
        partial(_plain, model, x), {"one": lambda: grad_cam(half, small, LAST, TARGET)}, rounds=12
    )
    return [compare("Grad-CAM, last stage, one class, bf16", 0.5, found, "one")]


def _memory(model: nn.Module, x: Tensor) -> Result:
    one = Torchcam(copy.deepcopy(model), LAST)
    own = copy.deepcopy(model)
    with_captum = LayerGradCam(own, own.get_submodule(LAST))
    peers = {
        "torchcam": _kept_mib(one.model, lambda: one.model(x)),
        "captum": _kept_mib(own, lambda: with_captum.attribute(x, TARGET)),
    }
    ours = _kept_mib(model, lambda: CamGraph(model, x, [LAST]))
    return Result("autograd's memory per image, last stage", ours, 0.1, "MiB", peers)


def _kept_mib(model: nn.Module, work: Callable[[], object]) -> float:
    """What autograd saves for backward passes, without the weights."""
    own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    saved: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        saved.setdefault(
            tensor.untyped_storage().data_ptr(), tensor.detach()
        )  # alive, so that no address comes twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        work()
    return (
        sum(t.untyped_storage().nbytes() for address, t in saved.items() if address not in own)
        / 2**20
    )
