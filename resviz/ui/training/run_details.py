"""What a run's menu shows of it: its checkpoints to look into, and how it was made."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from resviz.training.runs.reader import RunInfo, RunReader
from resviz.ui.base import checkpoint_names, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.services import training_data
from resviz.ui.services.run_names import network_title, setting_title, setting_value, spec_of
from resviz.ui.training import setup, start

# settings that somebody may have changed, in the order of the table
SETTINGS = (
    "epochs",
    "batch_size",
    "lr",
    "schedule",
    "augmentation",
    "momentum",
    "weight_decay",
    "label_smoothing",
    "side",
    "precision",
    "seed",
)


def details(run: RunReader, info: RunInfo) -> bool:
    """Checkpoints and settings; return whether the visitor wants to run it again."""
    checkpoint = _checkpoint(info)
    with st.container(horizontal=True, gap="small"):
        if checkpoint and st.button(_("Look inside"), key=f"inside-{info.id}"):
            url_state.choose("model", checkpoint_names.at(f"run/{info.id}", checkpoint))
            st.switch_page("pages/overview.py")
        wants_again = st.button(
            _("Run again with …"),
            key=f"again-{info.id}",
            help=_("Takes over its choices: change one, start."),
        )
        if wants_again:
            setup.begin_with(start.RUN + info.id)
    st.markdown(_table(run, info))
    return wants_again


def _checkpoint(info: RunInfo) -> str:
    """Which of its checkpoints to look into; empty where there is none."""
    saved = checkpoint_names.saved(f"run/{info.id}")
    if len(saved) < 2:
        return "".join(saved)
    checkpoint: str = st.select_slider(
        _("Checkpoint"),
        saved,
        saved[-1],
        key=f"checkpoint-{info.id}",
        format_func=checkpoint_names.title,
    )
    return checkpoint


def _table(run: RunReader, info: RunInfo) -> str:
    """How the run was made, as a table in Markdown."""
    known = {title: value for title, value in _rows(run, info) if value not in (None, "")}
    head, *lines = [f"| {title} | {escaped(str(value))} |" for title, value in known.items()]
    return "\n".join([head, "|---|---|", *lines])


def _rows(run: RunReader, info: RunInfo) -> list[tuple[str, object]]:
    spec, config = spec_of(info), run.config
    return [
        (_("network"), network_title(spec)),
        (_("weights in the convolutions"), f"{spec.kernel_weights:,}"),
        (_("data"), training_data.title(info.dataset)),
        *_settings(config.get("config", {})),
        (_("recorded"), config.get("request", {}).get("record")),
        (_("device"), config.get("device")),
        (_("threads"), config.get("threads")),
        (_("id"), info.id),
    ]


def _settings(config: Mapping[str, Any]) -> list[tuple[str, object]]:
    return [
        (setting_title(name), setting_value(name, config[name]))
        for name in SETTINGS
        if name in config
    ]
