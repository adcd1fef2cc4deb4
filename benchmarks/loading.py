"""Loading ResNet-50: weights mapped from a safetensors file against building and `torch.load`."""

import tempfile
from pathlib import Path

import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from benchmarks.measure import Result, compare, ratios
from resviz.models.weights import checkpoints


def run() -> list[Result]:
    """1.0 = torchvision's ResNet-50 built, then filled by `torch.load` and `load_state_dict`."""
    with tempfile.TemporaryDirectory() as folder:
        pth, safe = Path(folder) / "resnet50.pth", Path(folder) / "resnet50.safetensors"
        state = torchvision.models.resnet50(weights=None).state_dict()
        torch.save(state, pth)
        save_file(state, safe)
        candidates = {
            "resviz": lambda: checkpoints.read(safe),
            "resviz .pth": lambda: checkpoints.read(pth),
        }
        timings = ratios(lambda: _usual(pth), candidates, rounds=9)
    return [
        compare("load ResNet-50 from safetensors", 0.2, timings),
        compare("load ResNet-50 from .pth", 0.35, timings, "resviz .pth"),
    ]


def _usual(path: Path) -> nn.Module:
    model = torchvision.models.resnet50(weights=None)
    model.load_state_dict(torch.load(path, weights_only=True))
    return model
