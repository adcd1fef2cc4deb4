"""Which model a page is about, by name; of a trained run also at which checkpoint."""

import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from resviz.ui.base import checkpoint_names, url_state
from resviz.ui.base.i18n import said
from resviz.ui.base.i18n import translate as _
from resviz.ui.services import model_files, models
from resviz.ui.services.run_names import trained_title

if TYPE_CHECKING:
    from resviz.models.zoo import ModelInfo

DEFAULT_MODEL = "bundled/resnet18-imagenette"
GROUPS = ("bundled", "run", "new", "torchvision", "file")  # the order in which they are offered
_STARTED = re.compile(r"-(\d{8}-\d{4})\d\d-")  # in a run's id


def model_picker() -> None:
    """Draw the list of all models, and under it what one line has no room for."""
    infos = {info.name: info for info in models.catalogue()}
    names = offered([*infos, *model_files.names()], url_state.chosen("model"))
    default = DEFAULT_MODEL if DEFAULT_MODEL in infos else names[0]
    name = url_state.pick(
        st.selectbox,
        _("Model"),
        names,
        default,
        "model",
        format_func=lambda name: _title(infos, name),
        accept_new_options=True,
        help=_(
            "Choose one, or type a name: "
            "new/plain-56, torchvision/resnet50?weights=none, file/NAME."
        ),
    )
    if name.startswith("run/"):
        _checkpoint_slider(name)
    if details := _details(infos, name):
        st.caption(details)


def offered(names: list[str], chosen: str | None) -> list[str]:
    """Order the names group by group, of runs the youngest first; one that was typed comes last.

    A run at a checkpoint stands in the run's own place.
    """
    youngest_first = sorted(names, key=_started, reverse=True)
    ordered = sorted(youngest_first, key=lambda name: GROUPS.index(name.partition("/")[0]))
    if not chosen or chosen in ordered:
        return ordered
    run = checkpoint_names.base(chosen)
    if run in ordered:
        return [chosen if name == run else name for name in ordered]
    return [*ordered, chosen]


def _checkpoint_slider(name: str) -> None:
    """Initial, each saved epoch, final: scrubs every page through the training."""
    saved = checkpoint_names.saved(name)
    if len(saved) < 2:
        return
    checkpoint = checkpoint_names.checkpoint(name)
    st.session_state["checkpoint"] = checkpoint if checkpoint in saved else saved[-1]

    def choose_checkpoint() -> None:
        url_state.choose("model", checkpoint_names.at(name, st.session_state["checkpoint"]))

    st.select_slider(
        _("Checkpoint"),
        saved,
        key="checkpoint",
        on_change=choose_checkpoint,
        format_func=checkpoint_names.title,
    )


def _title(infos: "Mapping[str, ModelInfo]", name: str) -> str:
    """Short enough for one line of the sidebar."""
    group, _slash, rest = name.partition("/")
    base = checkpoint_names.base(name)
    if base in infos:
        return f"{_known_title(infos[base])} {_when(base)}".strip()
    return rest.rpartition("/")[2] if group == "file" else name


def _known_title(info: "ModelInfo") -> str:
    return trained_title(info) if info.name.startswith("run/") else said(info.title)


def _started(name: str) -> str:
    """Date and minute of a run's start, as its id tells it; empty for everything else."""
    match = _STARTED.search(name) if name.startswith("run/") else None
    return match[1] if match else ""


def _when(name: str) -> str:
    """The minute of a start today, else the day."""
    day, _dash, minute = _started(name).partition("-")
    if day == time.strftime("%Y%m%d"):
        return f"{minute[:2]}:{minute[2:]}"
    return f"{day[6:]}.{day[4:6]}." if day else ""


def _details(infos: "Mapping[str, ModelInfo]", name: str) -> str:
    """Where the model comes from, its classes and its size."""
    info = infos.get(checkpoint_names.base(name))
    if info is None:
        return ""
    group = info.name.partition("/")[0]
    sources = {"bundled": _("Bundled"), "new": _("Random weights"), "run": _("Trained here")}
    details = [
        sources.get(group, group),
        _("{classes:,} classes").format(classes=info.classes),
        _("{size} parameters").format(size=_rounded(info.parameters)),
    ]
    if not info.offline:
        details.append(_("to download"))
    return " · ".join(details)


def _rounded(count: int) -> str:
    return f"{count / 1e6:.3g} M" if count >= 1e6 else f"{count / 1e3:.3g} k"
