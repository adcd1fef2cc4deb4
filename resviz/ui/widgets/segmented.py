"""One of several, side by side: the control for two to about seven choices with short titles."""

from collections.abc import Mapping
from typing import Any, TypeVar

import streamlit as st

from resviz.ui.base import url_state

T = TypeVar("T")


def segmented(
    label: str,
    titles: Mapping[T, str],
    default: T,
    key: str,
    *,
    show_label: bool = True,
    stretch: bool = False,
    place: Any = st,
    help: str | None = None,
) -> T:
    """Pick one of `titles`, which maps what stands in the address to what stands on the button.

    `show_label`: without, the label is for screen readers alone. `stretch`: as wide as its place.
    """
    return url_state.pick(
        place.segmented_control,
        label,
        list(titles),
        default,
        key,
        required=True,
        format_func=titles.__getitem__,
        label_visibility="visible" if show_label else "collapsed",
        width="stretch" if stretch else "content",
        wrap=not stretch,
        help=help,
    )
