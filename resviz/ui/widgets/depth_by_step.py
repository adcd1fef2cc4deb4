"""Recorded runs as pictures with one cursor, in the browser alone; a click or Enter picks a step.

It mounts what `figures.gradient_flow.depth_by_step.films` draws. Arrow keys move the cursor by a
step or a layer.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_HERE = Path(__file__)
_CSS = "".join(_HERE.with_name(name).read_text() for name in ("clickable.css", "depth_by_step.css"))
_JS = _HERE.with_name("depth_by_step.js").read_text()
_films = st.components.v2.component("resviz_films", css=_CSS, js=_JS)


def show(html: str, key: str, chosen: Callable[[int], None]) -> None:
    """Mount the films; `chosen` gets the step that was picked, before the page runs again."""

    def changed() -> None:
        picked = st.session_state[f"films-{key}"].picked
        if picked is not None:
            chosen(int(picked))

    _films(data=html, key=f"films-{key}", on_picked_change=changed)
