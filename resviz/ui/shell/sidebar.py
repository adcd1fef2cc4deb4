"""The sidebar of every page: which model, which picture, where it runs."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from resviz.errors import ResvizError
from resviz.figures import html
from resviz.ui.base import checkpoint_names, url_state
from resviz.ui.base.i18n import said
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped, progress, refuse
from resviz.ui.services import models
from resviz.ui.services.subject import Subject
from resviz.ui.shell.image_picker import REFUSED, photo_or_the_one_before, photo_picker
from resviz.ui.shell.model_picker import DEFAULT_MODEL, model_picker
from resviz.ui.widgets import clickable


def sidebar() -> None:
    """Draw the sidebar's places, and over the results that of a refused picture; `subject` fills in what takes time."""
    st.session_state[REFUSED] = st.empty()
    with st.sidebar:
        model_picker()
        photo_picker()
        st.session_state["card"] = st.empty()
        st.session_state["device_line"] = st.empty()


def subject() -> Subject:
    """Model and picture as chosen; stops the page with one sentence where the model cannot be had."""
    name = st.session_state["model"] or DEFAULT_MODEL
    try:
        _load(name)
    except ResvizError as refusal:
        refuse(refusal)
        label = _("Look at the bundled model instead")
        st.button(label, on_click=url_state.choose, args=("model", DEFAULT_MODEL))
        st.stop()
    title, shown = photo_or_the_one_before()
    _say_card(name)
    _say_device()
    return Subject(name, shown, title)


def _load(name: str) -> None:
    models.refresh(name)
    if models.is_loaded(name):
        return
    with progress(_("Loading {model}").format(model=escaped(name))) as update:
        update(0.0)
        models.model(name, update)


def _say_card(name: str) -> None:
    """What the model was trained on and how often it is right, by class; its other notes."""
    loaded = models.model(name)
    card: Mapping[str, Any] = loaded.card
    ours = (
        name.startswith(("bundled/", "run/")) and "accuracy" in card
    )  # a foreign file may say anything
    with st.session_state["card"].expander(_("About this model")):
        for note in loaded.notes:
            st.caption(escaped(said(note)))
        if checkpoint_names.told(name) == checkpoint_names.START:
            st.caption(_("The run before its first step: random weights."))
            return
        if not ours:
            st.caption(
                _("{count} classes. No record of its training.").format(count=len(loaded.labels))
            )
            return
        by_class = {label: share for label, share in card["by_class"].items() if share is not None}
        st.caption(
            _(
                "Trained on {data}, {train:,} images. Right on {accuracy:.1%} of {test:,} others ({date})."
            ).format(
                data=escaped(card["dataset"]["name"]),
                train=card["images"]["train"],
                accuracy=card["accuracy"],
                test=card["images"]["test"],
                date=card["date"],
            )
        )
        clickable.show(
            html.share_list(sorted(by_class.items(), key=lambda row: -row[1])), "by_class"
        )


def _say_device() -> None:
    models.warm_up()
    from resviz.device import best

    st.session_state["device_line"].caption(
        _("Runs on {device}.").format(device=said(best().where()))
    )
