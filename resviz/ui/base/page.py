"""What every page has in the same place: its heading, refusals, captions, downloads."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from resviz.errors import ResvizError
from resviz.ui.base import upload_quota
from resviz.ui.base.i18n import said, whole
from resviz.ui.base.i18n import translate as _

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.navigation.page import Page as StreamlitPage

_ASSETS = Path(__file__).parents[1] / "assets"
_CODE = re.compile(r"(?<!`)`([^`|\n]+)`(?!`)")  # a bar would end the cell of a table
_FRAMED, _RESERVED = "framed", "reserved"


def frame() -> None:
    """Set the browser tab, the mark over the sidebar and the measures of the page."""
    st.set_page_config(page_title="resviz", page_icon=str(_ASSETS / "icon.svg"), layout="wide")
    st.logo(str(_ASSETS / "logo.svg"), size="large", icon_image=str(_ASSETS / "icon.svg"))
    st.html(_ASSETS / "page.css")
    upload_quota.install()
    st.session_state[_FRAMED] = True


def navigation() -> "StreamlitPage":
    """List the pages in the order of the sidebar; return the one that is asked for."""
    return st.navigation(
        [
            st.Page("pages/overview.py", title=_("Overview"), url_path="start", default=True),
            st.Page("pages/feature_maps.py", title=_("Feature maps")),
            st.Page("pages/attribution.py", title=_("Attribution")),
            st.Page("pages/receptive_field.py", title=_("Receptive field")),
            st.Page("pages/gradient_flow.py", title=_("Gradient flow")),
            st.Page("pages/batchnorm.py", title=_("BatchNorm")),
            st.Page("pages/training.py", title=_("Training")),
            # the first page is served at the root; its own name in an address means it too
            st.Page("pages/overview.py", title=_("Overview"), visibility="hidden"),
        ]
    )


def idea(sentence: str) -> None:
    """Say the page's one idea, under its name.

    The first request after a start runs a page alone if its address names one: Streamlit does not
    know yet that `app.py` has a navigation. Then tell it so and begin again.
    """
    if not st.session_state.get(_FRAMED):
        navigation()
        st.rerun()
    st.session_state.pop(_RESERVED, None)  # the slots of the run before are gone
    st.caption(sentence)


def escaped(text: str) -> str:
    """Take from text of others (names, labels, messages that quote them) its power to be Markdown.

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
    """Show a refusal as one sentence; what is not a refusal is a bug and shows as one."""
    try:
        yield
    except ResvizError as refusal:
        refuse(refusal)
        st.stop()


def refuse(refusal: ResvizError, apply: Callable[[str], None] | None = None) -> None:
    """Show the sentence of a refusal; give up the places that were reserved for the result.

    `apply` takes one of the names that the refusal suggests; each is offered as a button.
    """
    for slot in st.session_state.pop(_RESERVED, []):
        slot.empty()
    st.error(escaped(whole(refusal)))
    for name in refusal.suggestions if apply else ():
        st.button(_("Use {name}").format(name=escaped(name)), on_click=apply, args=(name,))


def table_download(
    label: str, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Offer the numbers of a figure as CSV."""

    def text() -> str:
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
        return file.getvalue()

    download(label, text, f"{name}.csv", "text/csv")


def arrays_download(label: str, name: str, arrays: Mapping[str, Any]) -> None:
    """Offer the maps of a picture as one NPZ file."""

    def archive() -> bytes:
        import numpy as np  # not above: the first text of a page waits for what is imported there

        file = io.BytesIO()
        np.savez_compressed(file, **arrays)
        return file.getvalue()

    download(label, archive, f"{name}.npz", "application/zip")


def download(
    label: str, make: Callable[[], str | bytes], name: str, mime: str, key: str | None = None
) -> None:
    """Draw a small button that saves a file, which is made when somebody asks for it.

    Streamlit brings the font of its icon along.
    """
    st.download_button(label, make, name, mime, key, on_click="ignore", icon=":material/download:")


def reserved(places: "Sequence[DeltaGenerator]", height: int) -> "list[DeltaGenerator]":
    """Fill each place with a grey field of about its final size, and return a slot for each.

    A field stays until something is put into its slot: nothing jumps while a result loads.
    """
    slots = [place.empty() for place in places]
    for slot in slots:
        slot.html(f'<div class="resviz-reserved" style="height:{height}px"></div>')
    st.session_state[_RESERVED] = [*st.session_state.get(_RESERVED, []), *slots]
    return slots


def wide(name: str) -> "DeltaGenerator":
    """Make a place for wide columns: on a narrow page they stand one below the other."""
    return st.container(key=f"wide-{name}")


def spread(names: Sequence[str], most: int) -> tuple[str, ...]:
    """Choose at most so many of the names, evenly from the first to the last."""
    if len(names) <= most:
        return tuple(names)
    return tuple(names[round(i * (len(names) - 1) / (most - 1))] for i in range(most))


def dark() -> bool:
    """Whether the visitor sees the dark theme."""
    return st.context.theme.type == "dark"


@contextmanager
def progress(text: str) -> Iterator[Callable[..., None]]:
    """Show a bar while slow work goes on.

    Call what is yielded with the share done and, where it changes, with what is being done.
    """
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
