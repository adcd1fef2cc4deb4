"""Grad-CAM of ResNet-50 at 224 pixels; 1 = one plain forward pass of the same network.

The peers get what they need set up beforehand, a copy of the network each, and the same weights.
"""

import copy
from collections.abc import Callable, Sequence
from functools import partial

import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM as JacobGil
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn
from torchcam.methods import GradCAM as Torchcam

from benchmarks.measure import Result, compare, ratios
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.attribution.grad_cam import CamGraph, grad_cam, grad_cams

Work = Callable[[], object]

STAGES = ("layer1", "layer2", "layer3", "layer4")
LAST, THIRD = "layer4", "layer3"
TARGET, FIVE = 3, range(5)
PEERS = ("torchcam", "captum", "pytorch-grad-cam")
AGAIN = {  # captum and pytorch-grad-cam keep no graph: another class costs them what the first did
    "torchcam": "torchcam another",
    "captum": "captum one",
    "pytorch-grad-cam": "pytorch-grad-cam one",
}


def run() -> list[Result]:
    """The rows of the table."""
    model, x = network(), picture()
    return [*_times(model, x), *_half(model, x), _memory(model, x)]


def network() -> nn.Module:
    return build(ModelSpec(depth=50, stem="imagenet", classes=1000))


def picture() -> Tensor:
    return torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def plain(model: nn.Module, x: Tensor) -> object:
    """The reference: one forward pass."""
    with torch.no_grad():
        return model(x)


def _times(model: nn.Module, x: Tensor) -> list[Result]:
    candidates = {**_ours(model, x), **_peers(model, x)}
    times = ratios(partial(plain, model, x), candidates, rounds=12)

    def row(what: str, goal: float, ours: str) -> Result:
        return compare(what, goal, times, ours, {peer: f"{peer} {ours}" for peer in PEERS})

    return [
        row("Grad-CAM, last stage, one class", 1.05, "one"),
        compare("another class, graph kept, last stage", 0.02, times, "another", AGAIN),
        compare("another class, graph kept, stage 3", 0.4, times, "another in stage 3"),
        row("five classes, last stage", 1.08, "five"),
        row("four stages at once", 2.05, "four stages"),
    ]


def _ours(model: nn.Module, x: Tensor) -> dict[str, Work]:
    last, third = CamGraph(model, x, [LAST]), CamGraph(model, x, [THIRD])
    return {
        "one": lambda: grad_cam(model, x, LAST, TARGET),
        "another": lambda: last.grad_cam(LAST, TARGET),
        "another in stage 3": lambda: third.grad_cam(THIRD, TARGET),
        "five": lambda: _five(model, x),
        "four stages": lambda: grad_cams(model, x, STAGES, TARGET),
    }


def _five(model: nn.Module, x: Tensor) -> list[object]:
    graph = CamGraph(model, x, [LAST])
    return [graph.grad_cam(LAST, target) for target in FIVE]


def _peers(model: nn.Module, x: Tensor) -> dict[str, Work]:
    """The same work by others, as "peer work"."""
    return {**_torchcam(model, x), **_captum(model, x), **_jacobgil(model, x)}


def _torchcam(model: nn.Module, x: Tensor) -> dict[str, Work]:
    one = Torchcam(copy.deepcopy(model), LAST)
    four = Torchcam(copy.deepcopy(model), list(STAGES))
    again = Torchcam(copy.deepcopy(model), LAST)
    scores = again.model(x)

    def several(cam: Torchcam, targets: Sequence[int]) -> list[object]:
        scores = cam.model(x)
        return [cam(target, scores, retain_graph=target != targets[-1]) for target in targets]

    return {
        "torchcam one": lambda: several(one, [TARGET]),
        "torchcam another": lambda: again(TARGET, scores, retain_graph=True),
        "torchcam five": lambda: several(one, FIVE),
        "torchcam four stages": lambda: several(four, [TARGET]),
    }


def _captum(model: nn.Module, x: Tensor) -> dict[str, Work]:
    own = copy.deepcopy(model)
    cams = {stage: LayerGradCam(own, own.get_submodule(stage)) for stage in STAGES}

    def one(stage: str, target: int) -> object:
        # Without relu_attributions it is not the paper's Grad-CAM.
        return cams[stage].attribute(x, target, relu_attributions=True)

    return {
        "captum one": lambda: one(LAST, TARGET),
        "captum five": lambda: [one(LAST, target) for target in FIVE],
        "captum four stages": lambda: [one(stage, TARGET) for stage in STAGES],
    }


def _jacobgil(model: nn.Module, x: Tensor) -> dict[str, Work]:
    own, other = copy.deepcopy(model), copy.deepcopy(model)
    last = JacobGil(own, [own.get_submodule(LAST)])
    four = JacobGil(other, [other.get_submodule(stage) for stage in STAGES])
    targets = [[ClassifierOutputTarget(target)] for target in FIVE]
    return {
        "pytorch-grad-cam one": lambda: last(x, targets[TARGET]),
        "pytorch-grad-cam five": lambda: [last(x, target) for target in targets],
        "pytorch-grad-cam four stages": lambda: four(x, targets[TARGET]),
    }


def _half(model: nn.Module, x: Tensor) -> list[Result]:
    """A copy of the network in bf16 and channels_last, where the processor multiplies bf16 fast."""
    if not torch.cpu._is_amx_tile_supported():
        return []
    half = copy.deepcopy(model).bfloat16().to(memory_format=torch.channels_last)
    small = x.bfloat16().contiguous(memory_format=torch.channels_last)
    ours = {"one": lambda: grad_cam(half, small, LAST, TARGET)}
    times = ratios(partial(plain, model, x), ours, rounds=12)
    return [compare("Grad-CAM, last stage, one class, bf16", 0.5, times, "one")]


def _memory(model: nn.Module, x: Tensor) -> Result:
    one, own = Torchcam(copy.deepcopy(model), LAST), copy.deepcopy(model)
    captum = LayerGradCam(own, own.get_submodule(LAST))
    peers = {
        "torchcam": _saved_mib(one.model, lambda: one.model(x)),
        "captum": _saved_mib(own, lambda: captum.attribute(x, TARGET)),
    }
    ours = _saved_mib(model, lambda: CamGraph(model, x, [LAST]))
    return Result("autograd's memory per image, last stage", ours, 0.1, "MiB", peers)


def _saved_mib(model: nn.Module, work: Work) -> float:
    """What autograd saves for backward passes, without the weights."""
    weights = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    saved: dict[int, Tensor] = {}

    def save(tensor: Tensor) -> Tensor:
        # Alive until the end, so that no address comes twice.
        saved.setdefault(tensor.untyped_storage().data_ptr(), tensor.detach())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        work()
    sizes = {address: tensor.untyped_storage().nbytes() for address, tensor in saved.items()}
    return sum(size for address, size in sizes.items() if address not in weights) / 2**20
