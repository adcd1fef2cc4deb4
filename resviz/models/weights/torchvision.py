"""The networks that torchvision publishes: its ResNets as specs of ours, others as they are.

torchvision takes seconds to import, so only the functions do it; the tables below answer what is
asked most.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from resviz.data.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from resviz.errors import CheckpointError, ModelError
from resviz.models.spec import ModelSpec
from resviz.models.weights import safe_load
from resviz.models.weights.checkpoints import as_float32

MAX_BYTES = 2**32  # of a file whose hash is known


@dataclass(frozen=True, slots=True)
class Published:
    """A line of the catalogue: `file` has the default weights, `options` are ours for a ResNet."""

    title: str
    family: str
    parameters: int
    file: str
    options: str | None = None

    def spec(self) -> ModelSpec | None:
        """The same network as one of ours."""
        return (
            None
            if self.options is None
            else ModelSpec.parse(f"{self.options}&stem=imagenet&classes=1000")
        )


# He et al. 2015, Table 1; Xie et al. 2017 (ResNeXt); Zagoruyko and Komodakis 2016 (Wide ResNet)
RESNETS: Mapping[str, Published] = MappingProxyType(
    {
        "resnet18": Published(
            "ResNet-18", "residual", 11_689_512, "resnet18-f37072fd.pth", "residual-18?"
        ),
        "resnet34": Published(
            "ResNet-34", "residual", 21_797_672, "resnet34-b627a593.pth", "residual-34?"
        ),
        "resnet50": Published(
            "ResNet-50", "residual", 25_557_032, "resnet50-11ad3fa6.pth", "residual-50?"
        ),
        "resnet101": Published(
            "ResNet-101", "residual", 44_549_160, "resnet101-cd907fc2.pth", "residual-101?"
        ),
        "resnet152": Published(
            "ResNet-152", "residual", 60_192_808, "resnet152-f82ba261.pth", "residual-152?"
        ),
        "resnext50_32x4d": Published(
            "ResNeXt-50 32x4d",
            "residual",
            25_028_904,
            "resnext50_32x4d-1a0047aa.pth",
            "residual-50?groups=32&width_per_group=4",
        ),
        "resnext101_32x8d": Published(
            "ResNeXt-101 32x8d",
            "residual",
            88_791_336,
            "resnext101_32x8d-110c445d.pth",
            "residual-101?groups=32&width_per_group=8",
        ),
        "resnext101_64x4d": Published(
            "ResNeXt-101 64x4d",
            "residual",
            83_455_272,
            "resnext101_64x4d-173b62eb.pth",
            "residual-101?groups=64&width_per_group=4",
        ),
        "wide_resnet50_2": Published(
            "Wide ResNet-50-2",
            "residual",
            68_883_240,
            "wide_resnet50_2-9ba9bcbe.pth",
            "residual-50?width_per_group=128",
        ),
        "wide_resnet101_2": Published(
            "Wide ResNet-101-2",
            "residual",
            126_886_696,
            "wide_resnet101_2-d733dc28.pth",
            "residual-101?width_per_group=128",
        ),
    }
)

# A few of the others, to compare with; every further classifier of torchvision loads by its name.
OTHERS: Mapping[str, Published] = MappingProxyType(
    {
        "alexnet": Published("AlexNet", "alexnet", 61_100_840, "alexnet-owt-7be5be79.pth"),
        "vgg16": Published("VGG-16", "vgg", 138_357_544, "vgg16-397923af.pth"),
        "vgg16_bn": Published("VGG-16 with BatchNorm", "vgg", 138_365_992, "vgg16_bn-6c64b313.pth"),
        "densenet121": Published("DenseNet-121", "densenet", 7_978_856, "densenet121-a639ec97.pth"),
        "mobilenet_v3_large": Published(
            "MobileNetV3-Large", "mobilenet", 5_483_032, "mobilenet_v3_large-5c1a4163.pth"
        ),
    }
)


def names() -> list[str]:
    """Every classifier that torchvision publishes."""
    from torchvision import models

    return models.list_models(module=models)  # type: ignore[no-any-return]


def weights(name: str, choice: str) -> Any:
    """A member of torchvision's enum of weights, with labels and URL; raises `ModelError`."""
    from torchvision import models

    members = {
        key: m
        for key, m in models.get_model_weights(name).__members__.items()
        if m.meta["categories"]
    }
    if choice not in members:
        known = ", ".join([*(key for key in members if key != "DEFAULT"), "none"])
        raise ModelError(
            "torchvision/{name} has no weights {choice!r}; choose from {known}.",
            name=name,
            choice=choice,
            known=known,
        )
    return members[choice]


def labels(member: Any) -> tuple[str, ...]:
    """The names of the classes."""
    return tuple(member.meta["categories"])


def preprocess(member: Any) -> Preprocess:
    """The evaluation transforms of these weights, as ours."""
    settings = member.transforms.keywords
    interpolation = settings.get("interpolation")
    return Preprocess(
        resize=settings.get("resize_size", 256),
        crop=settings["crop_size"],
        mean=tuple(settings.get("mean", IMAGENET_MEAN)),
        std=tuple(settings.get("std", IMAGENET_STD)),
        interpolation="bilinear" if interpolation is None else interpolation.value,
    )


def fresh(name: str, member: Any, seed: int = 0) -> nn.Module:
    """A classifier with random weights of its own seed; those of the process stay untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _for_looking(_built(name, _arguments(name, member, trained=False)))


def trained(name: str, member: Any, path: Path) -> nn.Module:
    """A classifier with the weights of a file that torchvision published."""
    stored = safe_load.load(path, limit=MAX_BYTES)
    state = OrderedDict(
        (_present_name(key), as_float32(t)) for key, t in stored.items() if not _is_auxiliary(key)
    )
    # MNASNet asks for the version of its file
    state._metadata = {"": {"version": 2}}  # type: ignore[attr-defined]
    model = _empty(name, _arguments(name, member, trained=True))
    try:
        model.load_state_dict(state, assign=True)
    except RuntimeError:
        raise CheckpointError(
            "{path} does not fit torchvision's {name}; delete it to get it again.",
            path=path,
            name=name,
        ) from None
    return _for_looking(model)


def _empty(name: str, arguments: dict[str, Any]) -> nn.Module:
    """Without memory for weights where the network can be built so."""
    try:
        with torch.device("meta"):
            return _built(name, arguments)
    except NotImplementedError:  # RegNet computes with tensors while it is built
        with torch.random.fork_rng(devices=[]):
            return _built(name, arguments)


def _built(name: str, arguments: dict[str, Any]) -> nn.Module:
    from torchvision import models

    return models.get_model(name, weights=None, **arguments)  # type: ignore[no-any-return]


def _arguments(name: str, member: Any, trained: bool) -> dict[str, Any]:
    """What torchvision's builders add when they are given weights."""
    if name in ("googlenet", "inception_v3"):
        return {"aux_logits": False, "init_weights": not trained, "transform_input": trained}
    return {"image_size": member.meta["min_size"][0]} if name.startswith("vit_") else {}


def _present_name(key: str) -> str:
    """DenseNet's files say norm.1 where its modules now say norm1."""
    return re.sub(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.", r"\1\2.", key)


def _is_auxiliary(key: str) -> bool:
    """Weights of the extra classifiers in the Inception networks, used in training only."""
    return key.startswith(("aux1.", "aux2.", "AuxLogits."))


def _for_looking(model: nn.Module) -> nn.Module:
    """In eval mode, and nothing in place: a hook sees what a module returned."""
    for module in model.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    return model.eval()
