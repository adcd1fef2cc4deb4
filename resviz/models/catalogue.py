"""Which models there are, answered in milliseconds.

Headers of files are read, but no weights, and torchvision is not imported.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from resviz import paths
from resviz.errors import CheckpointError, Sentence, SpecError
from resviz.models.spec import ModelSpec
from resviz.models.weights import efficientnet_lite0, safe_load
from resviz.models.weights.download import is_here
from resviz.models.weights.torchvision import OTHERS, RESNETS

# networks to build, and their parameters: He et al. 2015, Table 6, with 10 classes
NEW = {20: 269_722, 56: 853_018, 110: 1_727_962}
_SHORT = {
    "imagenette128": "Imagenette",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "fashion-full": "Fashion",
}


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A line of the list. `offline`: it loads without a connection; `input_size` in pixels."""

    name: str
    family: str
    parameters: int
    classes: int
    input_size: int
    offline: bool
    title: str
    spec: ModelSpec | None = field(default=None, compare=False)  # of our own networks
    dataset: str = field(default="", compare=False)  # what it was trained on, in short


def catalogue(include_torchvision: bool = True) -> tuple[ModelInfo, ...]:
    """Bundled models, trained runs, networks to build, and those that torchvision publishes."""
    files = [
        *_files("bundled", paths.BUNDLED, "*.safetensors"),
        *_efficientnet_lite0(),
        *_files("run", paths.home() / "runs", "*/model.safetensors"),
    ]
    return (*files, *_new(), *(_published() if include_torchvision else ()))


def _files(kind: str, folder: Path, pattern: str) -> Iterator[ModelInfo]:
    """The weights in a folder, without damaged ones: loading those by name says what is wrong."""
    for path in sorted(folder.glob(pattern)):
        name = path.stem if kind == "bundled" else path.parent.name
        try:
            yield _described(f"{kind}/{name}", *safe_load.metadata(path))
        except (CheckpointError, SpecError, KeyError, TypeError, ValueError):
            continue


def _efficientnet_lite0() -> Iterator[ModelInfo]:
    """The network that knows a thousand classes, where its package is installed."""
    if efficientnet_lite0.path() is not None:
        yield ModelInfo(
            f"bundled/{efficientnet_lite0.NAME}",
            "efficientnet",
            efficientnet_lite0.PARAMETERS,
            1000,
            efficientnet_lite0.SIDE,
            True,
            Sentence("{network}, {dataset}", network="EfficientNet-Lite0", dataset="ImageNet"),
            dataset="ImageNet",
        )


def _described(
    name: str, meta: Mapping[str, object], shapes: Mapping[str, tuple[int, ...]]
) -> ModelInfo:
    spec = ModelSpec.from_dict(meta["spec"])  # type: ignore[arg-type]
    side = int(meta["preprocess"]["crop"])  # type: ignore[index]
    size = sum(prod(shape) for key, shape in shapes.items() if not _is_buffer(key))
    dataset, title = _dataset(meta), _title(spec)
    if dataset:
        title = Sentence("{network}, {dataset}", network=title, dataset=dataset)
    return ModelInfo(name, spec.family, size, spec.classes, side, True, title, spec, dataset)


def _dataset(meta: Mapping[str, object]) -> str:
    card = meta.get("card")
    dataset = card.get("dataset") if isinstance(card, dict) else None
    name = dataset.get("name") if isinstance(dataset, dict) else None
    return _SHORT.get(str(name), str(name)) if name else ""


def _is_buffer(key: str) -> bool:
    return key.endswith((".running_mean", ".running_var", ".num_batches_tracked"))


def _title(spec: ModelSpec) -> str:
    kind = {"residual": "ResNet", "plain": "Plain"}.get(spec.family, spec.family)
    return f"{kind}-{spec.depth}"


def _new() -> Iterator[ModelInfo]:
    for depth, parameters in NEW.items():
        for family in ("residual", "plain"):
            spec = ModelSpec(family=family, depth=depth)
            yield ModelInfo(
                f"new/{spec}",
                family,
                parameters,
                10,
                32,
                True,
                Sentence("{network}, untrained", network=_title(spec)),
            )


def _published() -> Iterator[ModelInfo]:
    for name, entry in {**RESNETS, **OTHERS}.items():
        here = is_here(entry.file)
        yield ModelInfo(
            f"torchvision/{name}", entry.family, entry.parameters, 1000, 224, here, entry.title
        )
