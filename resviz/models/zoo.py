"""From a name to a network that is ready to look at, with its labels and its preprocessing.

`bundled/NAME`, `torchvision/NAME[?weights=none|IMAGENET1K_V1]`,
`run/ID[?checkpoint=initial|epoch-3|final]`, `file/PATH[?family=plain&depth=20]` and
`new/FAMILY-DEPTH[?option=value]`.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qsl

from torch import Tensor, nn

from resviz import paths
from resviz.data.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from resviz.errors import CheckpointError, ModelError, Sentence, Suggestion
from resviz.models.architectures.resnet import build
from resviz.models.catalogue import ModelInfo, catalogue
from resviz.models.spec import ModelSpec
from resviz.models.weights import checkpoints, efficientnet_lite0, torchvision
from resviz.models.weights.download import ensure
from resviz.progress import Progress, silent

__all__ = ["LoadedModel", "ModelInfo", "catalogue", "load", "saved"]

MAX_SIDE = 2048  # pixels; what a file may ask for
NAMES = Sentence("bundled/NAME, torchvision/NAME, run/ID, file/PATH and new/FAMILY-DEPTH")


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network in eval mode, with what is needed to use it; `notes` say what was assumed."""

    name: str
    model: nn.Module
    labels: tuple[str, ...]
    preprocess: Preprocess
    input_size: int  # side of the square it receives, in pixels
    spec: ModelSpec | None = None  # None where the network is not one of ours
    # how it was trained
    card: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[Sentence, ...] = ()

    def normalise(self, images: Tensor) -> Tensor:
        """Views as uint8, (N, 3, H, W), as floats the way this model receives them."""
        return self.preprocess.normalise(images)


def load(name: str, progress: Progress = silent) -> LoadedModel:
    """The model of a name; raises `ModelError` (or its children), `SpecError` for a bad `new/...`."""
    kind, _, rest = name.partition("/")
    if kind not in _KINDS or not rest:
        raise ModelError(
            "There is no model {name!r}; names are {names}; {hint}",
            name=name,
            names=NAMES,
            hint=_closest(name),
        )
    return _KINDS[kind](name, rest, progress)


def saved(run: str) -> tuple[str, ...]:
    """The checkpoints of a run in their order: `initial`, `epoch-1` and so on, `final`."""
    folder = paths.home() / "runs" / run
    names = [
        path.stem.removeprefix("checkpoint-") for path in folder.glob("checkpoint-*.safetensors")
    ]
    names.sort(key=lambda name: int(name.rpartition("-")[2]) if name[-1:].isdecimal() else -1)
    return (*names, *(["final"] if (folder / "model.safetensors").is_file() else []))


def _bundled(name: str, rest: str, progress: Progress) -> LoadedModel:
    if rest == efficientnet_lite0.NAME:
        return LoadedModel(name, *efficientnet_lite0.load())
    path = paths.BUNDLED / f"{rest}.safetensors"
    if path.parent != paths.BUNDLED or not path.is_file():
        raise ModelError(
            "There is no model {name!r} among the bundled ones; {hint}",
            name=name,
            hint=_closest(name),
        )
    return _from_file(name, path, {}, mapped=True)


def _run(name: str, rest: str, progress: Progress) -> LoadedModel:
    folder, (run, options) = paths.home() / "runs", _options(rest)
    if unknown := sorted(set(options) - {"checkpoint"}):
        raise ModelError(
            "runs have no option {unknown!r}; the only one is checkpoint.", unknown=unknown[0]
        )
    chosen = options.get("checkpoint", "final")
    file = "model" if chosen == "final" else f"checkpoint-{chosen}"
    path = folder / run / f"{file}.safetensors"
    if path.parent.parent != folder or run in (".", ".."):
        raise ModelError(
            "There is no trained model {name!r}; {hint}", name=name, hint=_closest(name)
        )
    if not path.is_file():
        here = ", ".join(saved(run))
        hint = (
            Sentence("choose a checkpoint of {here}.", here=here)
            if here and options
            else _closest(name)
        )
        raise ModelError("There is no trained model {name!r}; {hint}", name=name, hint=hint)
    return _from_file(name, path, {}, mapped=True)


def _file(name: str, rest: str, progress: Progress) -> LoadedModel:
    try:
        path, options = Path(rest).expanduser(), dict[str, str]()
        if not path.exists():
            text, options = _options(rest)
            path = Path(text).expanduser()
    except (OSError, RuntimeError) as error:  # a name too long, or the home folder of nobody
        raise CheckpointError(
            "{rest} is no usable path: {error}; check its name.", rest=rest, error=error
        ) from None
    return _from_file(name, path, options, mapped=False)  # others may write over it


def _new(name: str, rest: str, progress: Progress) -> LoadedModel:
    spec = ModelSpec.parse(rest)
    preprocess = _usual_preprocess(spec)
    return LoadedModel(
        name, build(spec), _numbered(spec.classes), preprocess, preprocess.crop, spec
    )


def _torchvision(name: str, rest: str, progress: Progress) -> LoadedModel:
    title, options = _options(rest)
    if unknown := sorted(set(options) - {"weights"}):
        raise ModelError(
            "torchvision models have no option {unknown!r}; the only one is weights.",
            unknown=unknown[0],
        )
    if title not in torchvision.RESNETS and title not in torchvision.names():
        raise ModelError(
            "torchvision publishes no classifier {title!r}; {hint}",
            title=title,
            hint=_closest(title, torchvision.names(), "torchvision/"),
        )
    choice = options.get("weights", "DEFAULT")
    member = torchvision.weights(title, "DEFAULT" if choice == "none" else choice)
    path = None if choice == "none" else ensure(member.url, progress)
    preprocess = torchvision.preprocess(member)
    spec = torchvision.RESNETS[title].spec() if title in torchvision.RESNETS else None
    if spec is not None:
        model: nn.Module = build(spec) if path is None else checkpoints.read(path, spec).model
    else:
        model = (
            torchvision.fresh(title, member)
            if path is None
            else torchvision.trained(title, member, path)
        )
    card = {"weights": "none" if path is None else member.name, "url": member.url}
    return LoadedModel(
        name, model, torchvision.labels(member), preprocess, preprocess.crop, spec, card
    )


_KINDS: dict[str, Callable[[str, str, Progress], LoadedModel]] = {
    "bundled": _bundled,
    "torchvision": _torchvision,
    "run": _run,
    "file": _file,
    "new": _new,
}


def _from_file(name: str, path: Path, options: Mapping[str, str], mapped: bool) -> LoadedModel:
    found = checkpoints.read(path, options=options, mapped=mapped)
    told = _told_preprocess(path, found.meta)
    preprocess = told or _usual_preprocess(found.spec)
    notes = found.notes if told else (*found.notes, _assumed(preprocess))
    labels = _told_labels(found.meta, found.spec.classes) or _numbered(found.spec.classes)
    card = found.meta.get("card")
    card = MappingProxyType(dict(card) if isinstance(card, dict) else {})
    return LoadedModel(
        name, found.model, labels, preprocess, preprocess.crop, found.spec, card, notes
    )


def _options(text: str) -> tuple[str, dict[str, str]]:
    """What stands before the last question mark, and the options behind it."""
    before, mark, query = text.rpartition("?")
    return (before, dict(parse_qsl(query, keep_blank_values=True))) if mark else (text, {})


def _numbered(classes: int) -> tuple[str, ...]:
    return tuple(f"class {i}" for i in range(classes))


def _told_labels(meta: Mapping[str, object], classes: int) -> tuple[str, ...]:
    """The labels in a file, if there is one for each class."""
    found = meta.get("labels")
    return tuple(map(str, found)) if isinstance(found, list) and len(found) == classes else ()


def _usual_preprocess(spec: ModelSpec) -> Preprocess:
    """What networks of this stem usually get: 32 pixels about zero, or 224 with ImageNet's statistics."""
    if spec.stem == "imagenet":
        return Preprocess(256, 224, IMAGENET_MEAN, IMAGENET_STD)
    return Preprocess(32, 32, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


def _told_preprocess(path: Path, meta: Mapping[str, object]) -> Preprocess | None:
    """The preprocessing in a file; raises `CheckpointError` where it makes no sense."""
    told = meta.get("preprocess")
    if told is None:
        return None
    try:
        mean, std = (tuple(float(v) for v in told[key]) for key in ("mean", "std"))  # type: ignore[index]
        sides = int(told["resize"]), int(told["crop"])  # type: ignore[index]
        if (
            len(mean) != 3
            or len(std) != 3
            or min(std) <= 0
            or not 1 <= min(sides) <= max(sides) <= MAX_SIDE
        ):
            raise ValueError
    except (TypeError, KeyError, ValueError):
        raise CheckpointError(
            "{path} tells a preprocessing that makes no sense ({told}); save it again.",
            path=path,
            told=told,
        ) from None
    return Preprocess(*sides, mean, std)


def _assumed(preprocess: Preprocess) -> Sentence:
    return Sentence(
        "The file tells no preprocessing: pictures are scaled to {crop} pixels and normalised as is usual.",
        crop=preprocess.crop,
    )


def _closest(name: str, known: list[str] | None = None, prefix: str = "") -> Sentence:
    """The way out: names that look like this one, or where all are listed."""
    known = known or [info.name for info in catalogue()]
    close = [
        other for other in known if other.partition("/")[2] == name
    ] or difflib.get_close_matches(name, known)
    if close:
        return Suggestion(*(prefix + other for other in close))
    return Sentence("`python -m resviz models` lists those there are.")
