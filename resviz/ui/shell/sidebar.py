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
    """Draw the sidebar, and over the results the place for a refused picture.

    `subject` fills in what takes time.
    """
    st.session_state[REFUSED] = st.empty()
    with st.sidebar:
        model_picker()
        photo_picker()
        st.session_state["card"] = st.empty()
        st.session_state["device_line"] = st.empty()


def choose_model(name: str) -> None:
    """Choose another model in place of one that cannot be had."""
    url_state.choose("model", name)


def subject() -> Subject:
    """Load model and picture as chosen; stop the page with one sentence where that fails."""
    name = st.session_state["model"] or DEFAULT_MODEL
    try:
        _load(name)
    except ResvizError as refusal:
        refuse(refusal, choose_model)
        label = _("Look at the bundled model instead")
        st.button(label, on_click=choose_model, args=(DEFAULT_MODEL,))
        st.stop()
    title, photo = photo_or_the_one_before()
    with st.session_state["card"].expander(_("About this model")):
        _about_model(name)
    _show_device()
    return Subject(name, photo, title)


def _load(name: str) -> None:
    models.refresh(name)
    if models.is_loaded(name):
        return
    with progress(_("Loading {model}").format(model=escaped(name))) as update:
        update(0.0)
        models.model(name, update)


def _about_model(name: str) -> None:
    """What the model was trained on and its accuracy, by class too; other notes."""
    loaded = models.model(name)
    for note in loaded.notes:
        st.caption(escaped(said(note)))
    if checkpoint_names.checkpoint(name) == checkpoint_names.START:
        st.caption(_("The run before its first step: random weights."))
    elif name.startswith(("bundled/", "run/")) and "accuracy" in loaded.card:
        _show_card(loaded.card)
    else:  # the card of another's file may say anything
        count = len(loaded.labels)
        st.caption(_("{count} classes. No record of its training.").format(count=count))


def _show_card(card: Mapping[str, Any]) -> None:
    st.caption(
        _(
            "Trained on {train:,} images of {data}. "
            "Accuracy on {test:,} others: {accuracy:.1%} ({date})."
        ).format(
            data=escaped(card["dataset"]["name"]),
            train=card["images"]["train"],
            accuracy=card["accuracy"],
            test=card["images"]["test"],
            date=card["date"],
        )
    )
    if left_out := _left_out(card["dataset"]):
        st.caption(escaped(left_out))
    by_class = [(label, share) for label, share in card["by_class"].items() if share is not None]
    best_first = sorted(by_class, key=lambda row: -row[1])
    clickable.show(html.share_list(best_first), "by_class")


def _left_out(dataset: Mapping[str, Any]) -> str:
    """How many files of a dataset were no pictures, and three of them; empty where all were."""
    count, entries = dataset.get("skipped"), dataset.get("left_out")
    if not count or not isinstance(entries, list):
        return ""
    names = [str(entry.get("file")) for entry in entries if isinstance(entry, dict)]
    return _("{count} files of the dataset were left out, such as {names}.").format(
        count=count, names=", ".join(names[:3])
    )


def _show_device() -> None:
    models.warm_up()
    from resviz.device import best

    line = _("Runs on {device}.").format(device=said(best().where()))
    st.session_state["device_line"].caption(line)
