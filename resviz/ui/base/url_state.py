"""What a visitor has chosen: kept for the session across all pages, and in the address, so that a view can be shared.

Only choices are kept, never defaults: a default may depend on the page, the model or the photo.
Values are plain identifiers, the same in every language (Streamlit's own binding would put
translated labels into the address).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from resviz.ui.base import checkpoint_names

T = TypeVar("T")
_STATE, _PUBLISHED = "view", "published"


def chosen(key: str) -> str | None:
    """What was chosen for `key`, by a click or by the address; None where nothing was."""
    return _choices().get(key)


def choose(key: str, value: object) -> None:
    """Remember a choice; another model has other layers, channels and classes, another moment of its training not."""
    if key == "model" and checkpoint_names.base(str(value)) != checkpoint_names.base(
        chosen(key) or ""
    ):
        for dependent in ("layer", "channel", "first", "target", "other", "off", "swap", "units"):
            _choices().pop(dependent, None)
    _choices()[key] = str(value)


def forget(*keys: str) -> None:
    """Take choices back: the defaults count again."""
    for key in keys:
        _choices().pop(key, None)


def publish(page: str) -> None:
    """Put all choices into the address; where the visitor went back or forth on one page, take them from it.

    A link to another page may bring choices along: they join the others.
    """
    address, before = dict(st.query_params), st.session_state.get(_PUBLISHED)
    if before is not None and before[0] == page and before[1] != address:
        st.session_state[_STATE] = address
    elif address != _choices():
        if before is not None and before[1] != address:
            _choices().update(address)
        st.query_params.from_dict(_choices())
    st.session_state[_PUBLISHED] = page, dict(_choices())


def pick(
    widget: Callable[..., Any], label: str, options: Sequence[T], default: T, key: str, **more: Any
) -> T:
    """A widget that chooses one of `options`; it shows the choice made for `key`, else the default."""
    named = {str(option): option for option in options}
    st.session_state[key] = named.get(chosen(key) or "", default)
    picked = widget(
        label, options, key=key, on_change=lambda: choose(key, st.session_state[key]), **more
    )
    return default if picked is None else picked


def pick_some(
    label: str,
    options: Sequence[str],
    default: Sequence[str],
    key: str,
    *,
    or_none: bool = False,
    widget: Callable[..., Any] | None = None,
    **more: Any,
) -> list[str]:
    """Pills of which several can be on, at least one or, with `or_none`, none; commas part them in the address.

    `widget`: another one that chooses several, for options that are too many for pills.
    """
    told = chosen(key)
    on = [option for option in options if option in (told or "").split(",")]
    if not on and not (or_none and told == ""):
        on = list(default)
    st.session_state[key] = on

    def changed() -> None:
        choose(key, ",".join(option for option in options if option in st.session_state[key]))

    widget = widget or functools.partial(st.pills, selection_mode="multi", wrap=True)
    widget(label, options, key=key, on_change=changed, **more)
    return on


def switch(label: str, key: str) -> bool:
    """A toggle, off unless it was switched on."""
    st.session_state[key] = chosen(key) == "True"
    return st.toggle(label, key=key, on_change=lambda: choose(key, st.session_state[key]))


def _choices() -> dict[str, str]:
    if _STATE not in st.session_state:
        st.session_state[_STATE] = dict(st.query_params)
    return st.session_state[_STATE]  # type: ignore[no-any-return]
