"""What networks and runs are called, short, and so that no two that lie side by side have one name."""

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
    """Family, depth, and what is not usual with them."""
    return ", ".join([f"{family_title(spec.family)}-{spec.depth}", *_unusual(spec)])


def model_title(name: str) -> str:
    """A model by its name, for charts and lists; what the catalogue does not know keeps its name."""
    known = {info.name: info for info in models.catalogue()}
    info = known.get(checkpoint_names.base(name))
    if info is not None and name.startswith("run/"):
        moment = checkpoint_names.told(name)
        return ", ".join(
            filter(None, [trained_title(info), moment and checkpoint_names.title(moment)])
        )
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
    """A network that was trained here, called as its run is everywhere."""
    if info.spec is None:
        return said(info.title)
    return ", ".join(filter(None, [network_title(info.spec), info.dataset]))


def run_title(info: RunInfo) -> str:
    """The network of a run."""
    return network_title(spec_of(info))


def spec_of(info: RunInfo) -> ModelSpec:
    """The network that a run trains."""
    return ModelSpec.parse(info.model.removeprefix("new/"))


def variants(records: Sequence[RunReader], infos: Sequence[RunInfo]) -> list[tuple[int, str]]:
    """For each run its depth and what sets it apart from others of its family: norm, settings, at last its start."""
    specs, settings = [spec_of(info) for info in infos], [_settings(record) for record in records]
    words = [
        ", ".join([*_unusual(spec), *_differing(told, settings)])
        for spec, told in zip(specs, settings, strict=True)
    ]
    keys = [(spec.family, spec.depth, word) for spec, word in zip(specs, words, strict=True)]
    for i, key in enumerate(keys):
        if keys.count(key) > 1:
            words[i] = ", ".join(filter(None, [words[i], when(infos[i], seconds=True)]))
    return [(spec.depth, word) for spec, word in zip(specs, words, strict=True)]


def when(info: RunInfo, seconds: bool = False) -> str:
    """Day and minute when the run was asked for, by the server's clock; its id keeps that through every resume."""
    if told := _ASKED.search(info.id):
        _year, month, day, hour, minute, second = told.groups()
        return f"{day}.{month}. {hour}:{minute}" + (f":{second}" if seconds else "")
    form = "%d.%m. %H:%M:%S" if seconds else "%d.%m. %H:%M"
    return time.strftime(form, time.localtime(info.started or info.place))


def setting_title(name: str) -> str:
    """A setting of a training, for people."""
    return {
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
    }.get(name, name)


def setting_value(name: str, value: object) -> str:
    """A setting's value, for people."""
    return schedule_title(str(value)) if name == "schedule" else str(value)


def schedule_title(name: str) -> str:
    """How the learning rate goes, for people."""
    return {"one-cycle": _("one cycle"), "cosine": _("cosine"), "steps": _("steps of 2015")}.get(
        name, name
    )


def _unusual(spec: ModelSpec) -> list[str]:
    """What sets a network apart from the usual one of its family, in words."""
    usual = ModelSpec(family=spec.family, depth=spec.depth, stem=spec.stem, block=spec.block)
    told, words = spec.as_dict(), []
    if spec.norm != usual.norm:
        words.append(
            {"none": _("no norm"), "group": _("group norm"), "batch": _("batch norm")}[spec.norm]
        )
    if spec.init != usual.init:
        words.append(
            {"torch": _("PyTorch init"), "he-in": _("fan-in init"), "zero-gamma": _("zero γ")}[
                spec.init
            ]
        )
    rest = {name: value for name, value in told.items() if value != usual.as_dict()[name]}
    words += [
        f"{name} {value}" for name, value in rest.items() if name not in ("norm", "init", "classes")
    ]
    return words


def _settings(record: RunReader) -> dict[str, Any]:
    told = record.config
    asked = told.get("request", {})
    return {"dataset": asked.get("dataset"), **told.get("config", {})}


def _differing(told: Mapping[str, Any], all_told: Sequence[Mapping[str, Any]]) -> list[str]:
    """The settings in which the runs that are shown differ."""
    names = [
        name
        for name in ("dataset", *_TELLING)
        if len({str(other.get(name)) for other in all_told}) > 1
    ]
    return [f"{setting_title(name)} {setting_value(name, told.get(name))}" for name in names]
