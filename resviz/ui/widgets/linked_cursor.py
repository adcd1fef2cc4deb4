"""The linked cursor.

The box of what a cell sees moves in the photo as the pointer moves over cells.

It mounts what `figures.receptive_field.scene.linked` draws and works in the browser alone. Arrow
keys move the cursor; Enter or a click pins the cell, which is reported to the server as
"row,column".
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_STYLES = ("clickable.css", "linked_cursor.css")
_CSS = "".join(Path(__file__).with_name(name).read_text() for name in _STYLES)
_JS = Path(__file__).with_name("linked_cursor.js").read_text()
_cursor = st.components.v2.component("resviz_cursor", css=_CSS, js=_JS)


def mount_cursor(html: str, key: str, pinned: Callable[[str], None]) -> None:
    """Mount the cursor; `pinned` gets the cell that was pinned, before the page runs again."""

    def changed() -> None:
        picked = st.session_state[f"cursor-{key}"].picked
        if picked is not None:
            pinned(picked)

    _cursor(data=html, key=f"cursor-{key}", on_picked_change=changed)
