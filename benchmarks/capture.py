"""Every module's output, and the mean and deviation of its channels, of ResNet-50 at 224 pixels; 1 = a plain forward.

Keeping outputs costs page faults, unless the process was started with `TUNED` in its environment
(Linux, glibc).
"""

import copy

import torch
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

from benchmarks.measure import Result, compare, elsewhere, ratios
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.core.hooks import outputs
from resviz.probes.feature_maps.activations import moments

TUNED = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**30)}


def run() -> list[Result]:
    return [
        *elsewhere("benchmarks.capture", "tuned", TUNED),
        *elsewhere("benchmarks.capture", "untuned", {}),
    ]


def tuned() -> list[Result]:
    found = measured()
    return [
        compare("every module's output, allocator set", 1.15, found, "outputs", PEERS),
        compare(
            "mean and deviation of every channel, allocator set", 1.30, found, "moments", STATISTICS
        ),
    ]


def untuned() -> list[Result]:
    found = measured()
    return [
        compare("every module's output", 1.45, found, "outputs", PEERS),
        compare("mean and deviation of every channel", 1.30, found, "moments", STATISTICS),
    ]


PEERS = {"torchvision's feature extractor (no copies)": "extractor"}
STATISTICS = {"var_mean in hooks": "var_mean"}


def measured() -> dict[str, float]:
    model = build(ModelSpec(depth=50, stem="imagenet", classes=1000))
    x = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    everything = [name for name, _ in model.named_modules() if name]
    maps = [name for name in everything if name != "fc"]
    extractor = create_feature_extractor(model, get_graph_node_names(model)[1])
    hooked = copy.deepcopy(model)
    deviations: dict[str, object] = {}
    for name in maps:
        hooked.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: deviations.update({name: var_mean(output)})
        )
    with torch.no_grad():
        return ratios(
            lambda: model(x),
            {
                "outputs": lambda: outputs(model, x, everything),
                "moments": lambda: moments(model, x, maps),
                "extractor": lambda: extractor(x),
                "var_mean": lambda: hooked(x),
            },
        )


def var_mean(output: torch.Tensor) -> object:
    return torch.var_mean(output[0].flatten(1), 1, correction=0)
