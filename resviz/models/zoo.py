"""From a name to a network that is ready to look at, with its labels and its preprocessing.

`bundled/NAME`, `torchvision/NAME[?weights=none|IMAGENET1K_V1]`,
`run/ID[?checkpoint=initial|epoch-3|final]`, `new/FAMILY-DEPTH[?option=value]` and
`file/PATH[?option=value]`, with the options of `new`, `weights` where a file holds several
networks, and `mean`, `std`, `size` and `labels` (see `inputs`).
"""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from torch import nn

from resviz import paths
from resviz.data.preprocess import Preprocess
from resviz.errors import CheckpointError, ModelError, Sentence, Suggestion
from resviz.models import inputs
from resviz.models.architectures.resnet import build
from resviz.models.catalogue import ModelInfo, catalogue
from resviz.models.loaded import LoadedModel
from resviz.models.spec import OPTIONS, ModelSpec
from resviz.models.weights import checkpoints, efficientnet_lite0, torchvision
from resviz.models.weights.download import ensure
from resviz.progress import Progress, silent

__all__ = ["LoadedModel", "ModelInfo", "catalogue", "load", "saved"]

FILE_OPTIONS = OPTIONS | inputs.OPTIONS | {"family", "depth", "weights"}
NAMES = Sentence("bundled/NAME, torchvision/NAME, run/ID, file/PATH and new/FAMILY-DEPTH")


def load(name: str, progress: Progress = silent) -> LoadedModel:
    """Load the model of a name, in eval mode.

    Args:
        name: `bundled/NAME`, `torchvision/NAME`, `run/ID`, `file/PATH` or `new/FAMILY-DEPTH`, with
            options as in an address: `new/plain-56?norm=none&seed=3`.
        progress: hears the share of a download that is done, 0 to 1, and what is being done.

    Returns:
        The network with its labels and its preprocessing; `notes` say what was assumed.

    Raises:
        ModelError: there is no such model, or it cannot be had here (`CheckpointError`,
            `DownloadError`).
        SpecError: a `new/...` contradicts itself.

    Example:
        >>> loaded = load("new/residual-8?classes=4&seed=1")
        >>> loaded.labels, loaded.input_size
        (('class 0', 'class 1', 'class 2', 'class 3'), 32)

    Reference:
        He et al. 2015, arXiv 1512.03385, Table 1 and section 4.2, for the networks themselves.
    """
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
    if path.parent.parent != folder or run in (".", "..") or not path.is_file():
        hint = _checkpoints(run) if options else None
        raise ModelError(
            "There is no trained model {name!r}; {hint}", name=name, hint=hint or _closest(name)
        )
    return _from_file(name, path, {}, mapped=True)


def _checkpoints(run: str) -> Sentence | None:
    """The way out where a run has others than the one that was asked for."""
    here = saved(run) if run == Path(run).name else ()
    return Sentence("choose a checkpoint of {here}.", here=", ".join(here)) if here else None


def _file(name: str, rest: str, progress: Progress) -> LoadedModel:
    try:
        path, options = _path_and_options(rest)
    except (RuntimeError, ValueError) as error:  # the home folder of nobody
        raise CheckpointError(
            "{rest} is no usable path: {error}; check its name.", rest=rest, error=error
        ) from None
    return _from_file(name, path, options, mapped=False)  # others may write over it


def _path_and_options(text: str) -> tuple[Path, dict[str, str]]:
    """A file whose name has a question mark in it, or a file and its options."""
    whole = Path(text).expanduser()
    try:
        if whole.exists():
            return whole, {}
    except OSError:  # the options make it longer than a name may be
        pass
    before, options = _options(text)
    return Path(before).expanduser(), options


def _new(name: str, rest: str, progress: Progress) -> LoadedModel:
    spec = ModelSpec.parse(rest)
    preprocess = inputs.usual(spec)
    labels = inputs.numbered(spec.features if spec.head == "none" else spec.classes, spec.head)
    return LoadedModel(name, build(spec), labels, preprocess, preprocess.crop, spec)


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
    model, spec = _published(title, member, path)
    preprocess, labels = torchvision.preprocess(member), torchvision.labels(member)
    card = {"weights": "none" if path is None else member.name, "url": member.url}
    return LoadedModel(name, model, labels, preprocess, preprocess.crop, spec, card)


def _published(title: str, member: Any, path: Path | None) -> tuple[nn.Module, ModelSpec | None]:
    """A network of torchvision with weights from a file, or random ones: its ResNets are ours."""
    if title in torchvision.RESNETS and (spec := torchvision.RESNETS[title].spec()):
        return (build(spec) if path is None else checkpoints.read(path, spec).model), spec
    if path is None:
        return torchvision.fresh(title, member), None
    return torchvision.trained(title, member, path), None


_KINDS: dict[str, Callable[[str, str, Progress], LoadedModel]] = {
    "bundled": _bundled,
    "torchvision": _torchvision,
    "run": _run,
    "file": _file,
    "new": _new,
}


def _from_file(name: str, path: Path, options: dict[str, str], mapped: bool) -> LoadedModel:
    _check_options(path, options)
    about_pictures = {key: options.pop(key) for key in inputs.OPTIONS & options.keys()}
    stored = checkpoints.read(path, options=options, mapped=mapped)
    spec = stored.spec
    written = inputs.written(path, stored.meta, spec)
    preprocess = inputs.asked(about_pictures, written or inputs.usual(spec), spec)
    labels = inputs.labels(about_pictures, stored.meta, spec.classes, spec.head)
    card = stored.meta.get("card")
    notes = [*stored.notes]
    if not written and not {"mean", "std", "size"} <= about_pictures.keys():
        notes.append(_assumed(preprocess))
    notes += [note for note in (stored.granted, inputs.channel_note(spec)) if note]
    return LoadedModel(
        name,
        stored.model,
        labels,
        preprocess,
        preprocess.crop,
        spec,
        MappingProxyType(dict(card) if isinstance(card, dict) else {}),
        tuple(notes),
    )


def _check_options(path: Path, options: Mapping[str, str]) -> None:
    unknown = sorted(set(options) - FILE_OPTIONS)
    if unknown:
        raise ModelError(
            "{name} has no option {unknown!r}; choose from {options}.",
            name=path.name,
            unknown=unknown[0],
            options=", ".join(sorted(FILE_OPTIONS - {"init", "seed"})),
        )


def _options(text: str) -> tuple[str, dict[str, str]]:
    """What stands before the last question mark, and the options behind it."""
    before, mark, query = text.rpartition("?")
    return (before, dict(parse_qsl(query, keep_blank_values=True))) if mark else (text, {})


def _assumed(preprocess: Preprocess) -> Sentence:
    return Sentence(
        "The file tells no preprocessing: pictures are scaled to {crop} pixels and normalised as "
        "is usual. ?mean=, ?std= and ?size= change that.",
        crop=preprocess.crop,
    )


def _closest(name: str, known: list[str] | None = None, prefix: str = "") -> Sentence:
    """The way out: names that look like this one, or where all are listed."""
    known = known or [info.name for info in catalogue()]
    same = [other for other in known if other.partition("/")[2] == name]
    close = same or difflib.get_close_matches(name, known)
    if close:
        return Suggestion(*(prefix + other for other in close))
    return Sentence("`python -m resviz models` lists those there are.")
