"""Which model a page is about, by name."""

from typing import TYPE_CHECKING

import streamlit as st

from resviz.ui import cache, view
from resviz.ui.i18n import said
from resviz.ui.i18n import translate as _

if TYPE_CHECKING:
    from resviz.models.zoo import ModelInfo

DEFAULT_MODEL = "bundled/resnet18-imagenette"


def model_picker() -> None:
    infos = {info.name: info for info in cache.catalogue()}
    named = view.chosen("model")
    names = [*infos, *cache.files()]
    names += [named] if named and named not in names else []
    view.pick(
        st.selectbox,
        _("Model"),
        names,
        DEFAULT_MODEL if DEFAULT_MODEL in infos else names[0],
        "model",
        format_func=lambda name: _model_title(infos, name),
        accept_new_options=True,
        help=_("Choose one, or type a name: new/plain-56, torchvision/resnet50?weights=none, file/PATH."),
    )


def _model_title(infos: "dict[str, ModelInfo]", name: str) -> str:
    group = name.partition("/")[0]
    if name not in infos:
        return name if group != "file" else name.rpartition("/")[2] + _(" · file")
    away = "" if infos[name].offline else _(" (to download)")
    return f"{said(infos[name].title)} · {group}{away}"
