"""One component for every picture that can be clicked: thumbnails, blocks, channels, overlays.

A board is a piece of HTML made by our own code, every text in it escaped. Clicking (or pressing
Enter on) an element with `data-pick` reports its value to the server. A range input with
`data-opacity` sets the opacity of the elements that its value selects, in the browser alone. Left
and right arrows step through the elements of a board.
"""

from pathlib import Path

import streamlit as st

from resviz.ui.base import url_state

_CSS, _JS = (
    Path(__file__).with_name(name).read_text() for name in ("clickable.css", "clickable.js")
)
_board = st.components.v2.component("resviz_board", css=_CSS, js=_JS)


def show(html: str, key: str, choice: str | None = None) -> str | None:
    """Mount the board; return the value picked by the click that caused this run, else None.

    With `choice` the value is also remembered as the visitor's choice of that name, before the page
    runs again.
    """

    def changed() -> None:
        picked = st.session_state[f"board-{key}"].picked
        if choice and picked is not None:
            url_state.choose(choice, picked)

    state = _board(data=html, key=f"board-{key}", on_picked_change=changed)
    return state.picked  # type: ignore[no-any-return]
