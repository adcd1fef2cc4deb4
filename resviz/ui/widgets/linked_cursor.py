"""The linked cursor: over the cells of a feature map the box of what they see moves in the photo, in the browser alone.

It mounts what `figures.receptive_field.linked` draws. Arrow keys move the cursor, Enter or a click
pins the cell, which is reported to the server as "row,column".
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_CSS = "".join(
    Path(__file__).with_name(name).read_text() for name in ("clickable.css", "cursor.css")
)
_JS = Path(__file__).with_name("cursor.js").read_text()
_cursor = st.components.v2.component("resviz_cursor", css=_CSS, js=_JS)


def show(html: str, key: str, pinned: Callable[[str], None]) -> None:
    """Mount the cursor; `pinned` gets the cell that was pinned, before the page runs again."""

    def changed() -> None:
        picked = st.session_state[f"cursor-{key}"].picked
        if picked is not None:
            pinned(picked)

    _cursor(data=html, key=f"cursor-{key}", on_picked_change=changed)
