"""What every page has in the same place: its heading, refusals, captions, downloads."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from resviz.errors import ResvizError
from resviz.ui.i18n import translate as _

if TYPE_CHECKING:
    from streamlit.navigation.page import Page as StreamlitPage

_ASSETS = Path(__file__).with_name("assets")
_FRAMED = "framed"
_STYLE = """
<style>
.stMainBlockContainer { padding: 3.4rem 2.5rem 2rem; max-width: 1500px; }
.stMainBlockContainer h1 { font-size: 1.6rem; padding: 0.6rem 0 0.1rem; }
.stMainBlockContainer h3 { font-size: 1.05rem; padding: 0.4rem 0 0; }
.stSidebar [data-testid="stButtonGroup"] button { padding-inline: 0.4rem; }
.stSidebar [data-testid="stButtonGroup"] button p { font-size: 0.875rem; }
@media (max-width: 1150px) {
  .stMainBlockContainer [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
  .stMainBlockContainer [data-testid="stColumn"] { flex: 1 1 215px; min-width: 215px; }
  /* a picture that needs the width: it takes a line of its own, above its switches */
  .stMainBlockContainer [data-testid="stHorizontalBlock"]:has(.st-key-wide) { flex-wrap: wrap-reverse; }
  .stMainBlockContainer [data-testid="stColumn"]:has(.st-key-wide) { flex: 3 1 480px; }
}
</style>
"""


def frame() -> None:
    """The browser tab, the mark over the sidebar and the measures of the page."""
    st.set_page_config(page_title="resviz", page_icon=str(_ASSETS / "icon.svg"), layout="wide")
    st.logo(str(_ASSETS / "logo.svg"), size="large", icon_image=str(_ASSETS / "icon.svg"))
    st.html(_STYLE)
    st.session_state[_FRAMED] = True


def navigation() -> "StreamlitPage":
    """The pages in the order of the sidebar; returns the one that is asked for."""
    return st.navigation(
        [
            st.Page("pages/overview.py", title=_("Overview"), default=True),
            st.Page("pages/feature_maps.py", title=_("Feature maps")),
            st.Page("pages/attribution.py", title=_("Attribution")),
            st.Page("pages/gradient_flow.py", title=_("Gradient flow")),
        ]
    )


def idea(sentence: str) -> None:
    """The page's one idea, under its name.

    The first request after a start runs a page alone if its address names one: Streamlit does not know yet that
    `app.py` has a navigation. Then tell it so and begin again.
    """
    if not st.session_state.get(_FRAMED):
        navigation()
        st.rerun()
    st.caption(sentence)


def escaped(text: str) -> str:
    """Text from outside (names, labels, messages that quote them) without its power to be Markdown.

    The word joiner, which is not seen, keeps an address from becoming a link.
    """
    text = text.replace("://", ":\N{WORD JOINER}//")
    return re.sub(r"([\\`*_\[\]<>$~:!#|])", r"\\\1", text)


@contextmanager
def refusals() -> Iterator[None]:
    """A refusal becomes one sentence on the page; what is not a refusal is a bug and shows."""
    try:
        yield
    except ResvizError as refusal:
        st.error(escaped(str(refusal)))
        st.stop()


def table_download(label: str, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """The data of a picture as CSV."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows(rows)
    st.download_button(label, file.getvalue(), f"{name}.csv", "text/csv", on_click="ignore", type="tertiary")


def spread(names: Sequence[str], most: int) -> tuple[str, ...]:
    """At most so many of the names, evenly from the first to the last."""
    if len(names) <= most:
        return tuple(names)
    return tuple(names[round(i * (len(names) - 1) / (most - 1))] for i in range(most))


def dark() -> bool:
    """Whether the visitor sees the dark theme."""
    return st.context.theme.type == "dark"


def progress(words: str) -> Callable[..., None]:
    """A bar for slow work: call it with the share done; it goes away at the end."""
    bar = st.empty()

    def update(share: float, what: str = "") -> None:
        if share >= 1:
            bar.empty()
        else:
            bar.progress(min(max(share, 0.0), 1.0), what or words)

    return update


__all__ = ["_", "dark", "escaped", "frame", "idea", "navigation", "progress", "refusals", "spread", "table_download"]
