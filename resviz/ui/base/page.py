"""What every page has in the same place: its heading, refusals, captions, downloads."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from resviz.errors import ResvizError
from resviz.ui.base.i18n import said, whole
from resviz.ui.base.i18n import translate as _

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.navigation.page import Page as StreamlitPage

_ASSETS = Path(__file__).parents[1] / "assets"
_CODE = re.compile(r"(?<!`)`([^`|\n]+)`(?!`)")  # a bar would end the cell of a table
_FRAMED, _RESERVED = "framed", "reserved"
_STYLE = """
<style>
.stMainBlockContainer { padding: 3.4rem 2.5rem 2rem; max-width: 1500px; }
.stMainBlockContainer h1 { font-size: 1.6rem; padding: 0.6rem 0 0.1rem; }
.stMainBlockContainer h3 { font-size: 1.05rem; padding: 0.4rem 0 0.3rem; }
.stSidebar [data-testid="stButtonGroup"] button { padding-inline: 0.4rem; }
.stSidebar [data-testid="stButtonGroup"] button p { font-size: 0.875rem; }
.stSidebar [data-testid="stAlert"] p { font-size: 0.875rem; }
.stMainBlockContainer .st-key-papers h3 { padding: 1.6rem 0 0.8rem; }
.stMainBlockContainer [class*="st-key-wide-paper"] p { font-size: 0.875rem; }
.stMainBlockContainer .stDownloadButton button { min-height: 2rem; padding: 0.15rem 0.7rem 0.15rem 0.5rem; }
.stMainBlockContainer .stDownloadButton button p { font-size: 0.8125rem; }
.resviz-reserved { border-radius: 4px; background: rgba(128, 128, 128, 0.09); }
@media (max-width: 1150px) {
  .stMainBlockContainer [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
  .stMainBlockContainer [data-testid="stColumn"] { flex: 1 1 215px; min-width: 215px; }
  .stMainBlockContainer [data-testid="stColumn"]:not(:has([data-testid="stElementContainer"])) { display: none; }
  .stMainBlockContainer [class*="st-key-wide"] [data-testid="stColumn"] { flex: 1 1 430px; }
  /* a picture that needs the width: it takes a line of its own, above its switches */
  .stMainBlockContainer [data-testid="stHorizontalBlock"]:has(.st-key-picture) { flex-wrap: wrap-reverse; }
  .stMainBlockContainer [data-testid="stColumn"]:has(.st-key-picture) { flex: 3 1 480px; }
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
            st.Page("pages/receptive_field.py", title=_("Receptive field")),
            st.Page("pages/gradient_flow.py", title=_("Gradient flow")),
            st.Page("pages/batchnorm.py", title=_("BatchNorm")),
            st.Page("pages/training.py", title=_("Training")),
        ]
    )


def idea(sentence: str) -> None:
    """The page's one idea, under its name.

    The first request after a start runs a page alone if its address names one: Streamlit does not
    know yet that `app.py` has a navigation. Then tell it so and begin again.
    """
    if not st.session_state.get(_FRAMED):
        navigation()
        st.rerun()
    st.caption(sentence)


def escaped(text: str) -> str:
    """Text from outside (names, labels, messages that quote them) without its power to be Markdown.

    What stands between two backticks, as commands do in our own messages, is shown as code, which
    has no power either. The word joiner, which is not seen, keeps an address from becoming a link.
    """
    parts = _CODE.split(text)
    return "".join(f"`{part}`" if i % 2 else _escaped(part) for i, part in enumerate(parts))


def _escaped(text: str) -> str:
    text = text.replace("://", ":\N{WORD JOINER}//")
    return re.sub(r"([\\`*_\[\]<>$~:!#|])", r"\\\1", text)


@contextmanager
def refusals() -> Iterator[None]:
    """A refusal becomes one sentence on the page; what is not a refusal is a bug and shows."""
    try:
        yield
    except ResvizError as refusal:
        refuse(refusal)
        st.stop()


def refuse(refusal: ResvizError) -> None:
    """The sentence of a refusal; what was kept free for the result is given up."""
    for slot in st.session_state.pop(_RESERVED, []):
        slot.empty()
    st.error(escaped(whole(refusal)))


def table_download(
    label: str, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """The data of a picture as CSV."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows(rows)
    download(label, file.getvalue(), f"{name}.csv", "text/csv")


def arrays_download(label: str, name: str, arrays: Mapping[str, Any]) -> None:
    """The maps of a picture as one NPZ file."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    download(label, file.getvalue(), f"{name}.npz", "application/zip")


def download(label: str, data: str | bytes, name: str, mime: str, key: str | None = None) -> None:
    """A small button that saves a file; the font of its icon comes with Streamlit, from this machine."""
    st.download_button(label, data, name, mime, key, on_click="ignore", icon=":material/download:")


def reserved(places: "Sequence[DeltaGenerator]", height: int) -> "list[DeltaGenerator]":
    """Each place with a grey field of about its final size, until something is put into the slot returned for it."""
    slots = [place.empty() for place in places]
    for slot in slots:
        slot.html(f'<div class="resviz-reserved" style="height:{height}px"></div>')
    st.session_state[_RESERVED] = slots
    return slots


def wide(name: str) -> "DeltaGenerator":
    """A place whose columns need much room: on a narrow page they stand one under the other."""
    return st.container(key=f"wide-{name}")


def spread(names: Sequence[str], most: int) -> tuple[str, ...]:
    """At most so many of the names, evenly from the first to the last."""
    if len(names) <= most:
        return tuple(names)
    return tuple(names[round(i * (len(names) - 1) / (most - 1))] for i in range(most))


def dark() -> bool:
    """Whether the visitor sees the dark theme."""
    return st.context.theme.type == "dark"


@contextmanager
def progress(text: str) -> Iterator[Callable[..., None]]:
    """Show a bar while slow work goes on: call what is yielded with the share done, and what is being done."""
    bar = st.empty()

    def update(share: float, what: str = "") -> None:
        bar.progress(min(max(share, 0.0), 1.0), said(what) or text)

    try:
        yield update
    finally:
        bar.empty()


__all__ = [
    "_",
    "arrays_download",
    "dark",
    "download",
    "escaped",
    "frame",
    "idea",
    "navigation",
    "progress",
    "refusals",
    "reserved",
    "spread",
    "table_download",
    "wide",
]
