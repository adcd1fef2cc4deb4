"""The one way in which a figure comes onto a page: caption, reading help and numbers with it."""

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from resviz.tables import Table
from resviz.ui.base import page
from resviz.ui.base.i18n import translate as _


def chart(
    figure: Any,
    alt: str,
    caption: str = "",
    table: Table | None = None,
    *,
    name: str = "",
    how_to_read: str = "",
    key: str | None = None,
    on_select: Callable[[], None] | None = None,
    theme: Literal["streamlit"] | None = "streamlit",
) -> None:
    """Draw a figure over the full width, and what belongs to it below.

    Args:
        figure: a plotly figure.
        alt: what it shows, in plain words, for those who cannot see it.
        caption: one line below it, as Markdown.
        table: its numbers, offered as a CSV file.
        name: the CSV file's name without its suffix; needed with a table.
        how_to_read: more than a line, folded.
        key: needed where a selection is watched, or the same figure stands twice on a page.
        on_select: called after a point was clicked.
        theme: None for a figure that takes the place of a drawing of the same measures: Streamlit's
            theme would change fonts and grid.
    """
    config = {"displayModeBar": False}
    if on_select is None:
        st.plotly_chart(figure, theme=theme, config=config, alt=alt, key=key)
    else:
        st.plotly_chart(
            figure,
            theme=theme,
            config=config,
            alt=alt,
            key=key,
            on_select=on_select,
            selection_mode="points",
        )
    if caption:
        st.caption(caption)
    if how_to_read:
        with st.expander(_("How to read this")):
            st.markdown(how_to_read)
    if table is not None:
        page.table_download(_("Download the numbers"), name, table.columns, table.rows)
