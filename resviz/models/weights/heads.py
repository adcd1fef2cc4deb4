"""The classifier of a file: linear layers, whatever they are called and wherever they lie."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Layers:
    """The modules under one name, such as `fc` or `head`, in the order in which they are used."""

    modules: Mapping[str, Mapping[str, Tensor]]

    @property
    def has_kernels(self) -> bool:
        """Whether anything here weighs features; else it is a lone number or a statistic."""
        return any(t.ndim > 1 for tensors in self.modules.values() for t in tensors.values())

    @property
    def is_one_linear(self) -> bool:
        """Whether it is a single linear layer, of any size."""
        return [linear(tensors) is not None for tensors in self.modules.values()] == [True]

    def renamed(self) -> dict[str, Tensor]:
        """Their tensors under the names that our networks have."""
        several = len(self.modules) > 1
        result: dict[str, Tensor] = {}
        for i, tensors in enumerate(self.modules.values()):
            place = f"fc.{2 * i}" if several else "fc"  # an activation stands between two
            result |= {f"{place}.{name}": t for name, t in (linear(tensors) or tensors).items()}
        return result


def layers_of(tensors: Mapping[str, Tensor]) -> dict[str, Layers]:
    """Modules by the first part of their names, in natural order: fc.2 before fc.10."""
    groups: dict[str, dict[str, dict[str, Tensor]]] = {}
    for name, t in tensors.items():
        top, (module, _, leaf) = name.partition(".")[0], name.rpartition(".")
        groups.setdefault(top, {}).setdefault(module, {})[leaf] = t
    return {top: Layers(dict(sorted(group.items(), key=_natural))) for top, group in groups.items()}


def chain(layers: Layers, features: int) -> tuple[int, ...]:
    """Outputs of linear layers of which each receives what the one before gives; else nothing."""
    outputs: list[int] = []
    inputs = features
    for tensors in layers.modules.values():
        layer = linear(tensors)
        if layer is None or layer["weight"].shape[1] != inputs:
            return ()
        inputs = layer["weight"].shape[0]
        outputs.append(inputs)
    return tuple(outputs)


def linear(tensors: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Weight and bias of a linear layer; a 1x1 convolution is one, and a bias may be missing."""
    weight = tensors.get("weight")
    if weight is None or not set(tensors) <= {"weight", "bias"}:
        return None
    if weight.ndim == 4 and weight.shape[2:] == (1, 1):
        weight = weight.flatten(1)
    if weight.ndim != 2:
        return None
    bias = tensors.get("bias")
    if bias is None:
        bias = torch.zeros(len(weight), dtype=weight.dtype)
    return {"weight": weight, "bias": bias} if bias.shape == weight.shape[:1] else None


def _natural(item: tuple[str, object]) -> list[tuple[int, str]]:
    parts = re.split(r"[._]", item[0])
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]
