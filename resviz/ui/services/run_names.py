"""What networks and runs are called: short, and no two side by side the same."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from resviz.errors import SpecError
from resviz.models.spec import ModelSpec
from resviz.training.runs.reader import RunInfo, RunReader
from resviz.ui.base import checkpoint_names
from resviz.ui.base.i18n import said
from resviz.ui.base.i18n import translate as _
from resviz.ui.services import models
from resviz.ui.services.network_names import family_title

if TYPE_CHECKING:
    from resviz.models.zoo import ModelInfo

_ASKED = re.compile(r"-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)(?=-|$)")  # in a run's id
_NONE = "?weights=none"
_TELLING = (
    "lr",
    "schedule",
    "batch_size",
    "epochs",
    "augmentation",
    "weight_decay",
    "precision",
    "seed",
)


def network_title(spec: ModelSpec) -> str:
    """Say family, depth, and what is not usual with them."""
    return ", ".join([f"{family_title(spec.family)}-{spec.depth}", *_unusual(spec)])


def model_title(name: str) -> str:
    """Name a model in charts and lists; what the catalogue does not know keeps its name."""
    known = {info.name: info for info in models.catalogue()}
    info = known.get(checkpoint_names.base(name))
    if info is not None and name.startswith("run/"):
        checkpoint = checkpoint_names.checkpoint(name)
        parts = [trained_title(info), checkpoint and checkpoint_names.title(checkpoint)]
        return ", ".join(filter(None, parts))
    if info is not None:
        return said(info.title)
    if name.endswith(_NONE) and (info := known.get(name.removesuffix(_NONE))):
        return _("{network}, untrained").format(network=said(info.title).partition(",")[0])
    try:
        spec = ModelSpec.parse(name.removeprefix("new/")) if name.startswith("new/") else None
    except SpecError:
        spec = None
    return name if spec is None else _("{network}, untrained").format(network=network_title(spec))


def trained_title(info: "ModelInfo") -> str:
    """Name a network that was trained here as its run is called everywhere."""
    if info.spec is None:
        return said(info.title)
    return ", ".join(filter(None, [network_title(info.spec), info.dataset]))


def run_title(info: RunInfo) -> str:
    """Name the network of a run."""
    return network_title(spec_of(info))


def spec_of(info: RunInfo) -> ModelSpec:
    """Read which network a run trains."""
    return ModelSpec.parse(info.model.removeprefix("new/"))


def variants(records: Sequence[RunReader], infos: Sequence[RunInfo]) -> list[tuple[int, str]]:
    """Say of each run its depth and what sets it apart from others of its family.

    That is the norm and the settings; where these are the same, the time of its start.
    """
    specs = [spec_of(info) for info in infos]
    settings = [_settings(record) for record in records]
    differences = [
        ", ".join([*_unusual(spec), *_differing(own, settings)])
        for spec, own in zip(specs, settings, strict=True)
    ]
    keys = [(spec.family, spec.depth, text) for spec, text in zip(specs, differences, strict=True)]
    for i, key in enumerate(keys):
        if keys.count(key) > 1:
            parts = [differences[i], when(infos[i], seconds=True)]
            differences[i] = ", ".join(filter(None, parts))
    return [(spec.depth, text) for spec, text in zip(specs, differences, strict=True)]


def when(info: RunInfo, seconds: bool = False) -> str:
    """Say day and minute when the run was asked for, by the server's clock.

    Its id keeps that through every resume.
    """
    if match := _ASKED.search(info.id):
        _year, month, day, hour, minute, second = match.groups()
        return f"{day}.{month}. {hour}:{minute}" + (f":{second}" if seconds else "")
    form = "%d.%m. %H:%M:%S" if seconds else "%d.%m. %H:%M"
    return time.strftime(form, time.localtime(info.started or info.place))


def setting_title(name: str) -> str:
    """Name a setting of a training on the screen."""
    titles = {
        "lr": _("rate"),
        "schedule": _("schedule"),
        "batch_size": _("batch"),
        "epochs": _("epochs"),
        "augmentation": _("augmentation"),
        "weight_decay": _("weight decay"),
        "precision": _("precision"),
        "seed": _("seed"),
        "dataset": _("data"),
        "momentum": _("momentum"),
        "label_smoothing": _("label smoothing"),
        "side": _("pixels"),
    }
    return titles.get(name, name)


def setting_value(name: str, value: object) -> str:
    """Say a setting's value on the screen."""
    return schedule_title(str(value)) if name == "schedule" else str(value)


def schedule_title(name: str) -> str:
    """Name a schedule of the learning rate on the screen."""
    titles = {"one-cycle": _("one cycle"), "cosine": _("cosine"), "steps": _("steps of 2015")}
    return titles.get(name, name)


def _unusual(spec: ModelSpec) -> list[str]:
    """What sets a network apart from the usual one of its family."""
    usual = ModelSpec(family=spec.family, depth=spec.depth, stem=spec.stem, block=spec.block)
    usual_options = usual.as_dict()
    parts = []
    if spec.norm != usual.norm:
        norms = {"none": _("no norm"), "group": _("group norm"), "batch": _("batch norm")}
        parts.append(norms[spec.norm])
    if spec.init != usual.init:
        inits = {"torch": _("PyTorch init"), "he-in": _("fan-in init"), "zero-gamma": _("zero γ")}
        parts.append(inits[spec.init])
    for name, value in spec.as_dict().items():
        if name not in ("norm", "init", "classes") and value != usual_options[name]:
            parts.append(f"{name} {value}")
    return parts


def _settings(record: RunReader) -> dict[str, Any]:
    config = record.config
    dataset = config.get("request", {}).get("dataset")
    return {"dataset": dataset, **config.get("config", {})}


def _differing(own: Mapping[str, Any], settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The settings in which the runs that are shown differ, with a run's own values."""
    differing = []
    for name in ("dataset", *_TELLING):
        if len({str(other.get(name)) for other in settings}) > 1:
            differing.append(f"{setting_title(name)} {setting_value(name, own.get(name))}")
    return differing
