"""Every module's output, and mean and standard deviation of its channels; 1 = a plain forward.

ResNet-50 at 224 pixels. Holding outputs costs page faults, unless the process was started with
`TUNED` in its environment (Linux, glibc).
"""

import copy

import torch
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

from benchmarks.measure import Result, compare, elsewhere, ratios
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.core.hooks import outputs
from resviz.probes.feature_maps.activations import moments

TUNED = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**30)}
OUTPUTS, MOMENTS = "every module's output", "mean and std of every channel"
PEERS = {"torchvision's feature extractor (no copies)": "extractor"}
STATISTICS = {"var_mean in hooks": "var_mean"}


def run() -> list[Result]:
    """The rows of the table."""
    return [
        *elsewhere("benchmarks.capture", "tuned", TUNED),
        *elsewhere("benchmarks.capture", "untuned", {}),
    ]


def tuned() -> list[Result]:
    """With an allocator that gives no memory back."""
    times = measured()
    return [
        compare(f"{OUTPUTS}, allocator set", 1.15, times, "outputs", PEERS),
        compare(f"{MOMENTS}, allocator set", 1.30, times, "moments", STATISTICS),
    ]


def untuned() -> list[Result]:
    """With the allocator as it is."""
    times = measured()
    return [
        compare(OUTPUTS, 1.45, times, "outputs", PEERS),
        compare(MOMENTS, 1.30, times, "moments", STATISTICS),
    ]


def measured() -> dict[str, float]:
    """The time of each way over a plain forward's."""
    model = build(ModelSpec(depth=50, stem="imagenet", classes=1000))
    x = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    everything = [name for name, _ in model.named_modules() if name]
    maps = [name for name in everything if name != "fc"]
    extractor = create_feature_extractor(model, get_graph_node_names(model)[1])
    hooked = _hooked(model, maps)
    candidates = {
        "outputs": lambda: outputs(model, x, everything),
        "moments": lambda: moments(model, x, maps),
        "extractor": lambda: extractor(x),
        "var_mean": lambda: hooked(x),
    }
    with torch.no_grad():
        return ratios(lambda: model(x), candidates)


def _hooked(model: nn.Module, layers: list[str]) -> nn.Module:
    """A copy that computes the statistics as one would write it down first."""
    own = copy.deepcopy(model)
    statistics: dict[nn.Module, object] = {}

    def record(module: nn.Module, _inputs: object, output: Tensor) -> None:
        statistics[module] = torch.var_mean(output[0].flatten(1), 1, correction=0)

    for layer in layers:
        own.get_submodule(layer).register_forward_hook(record)
    return own
