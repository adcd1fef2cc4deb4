"""What a visitor has chosen: for the session across all pages, and in the address.

So a view can be shared. Only choices are kept, never defaults: a default may depend on the page,
the model or the photo.
Values are plain identifiers, the same in every language (Streamlit's own binding would put
translated labels into the address).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from resviz.ui.base import checkpoint_names

T = TypeVar("T")
_STATE, _CHOSEN_FOR, _PUBLISHED = "view", "chosen_for", "published"
_of_one_model: set[str] = set()


def depends_on_model(*keys: str) -> None:
    """Declare, where they are picked, keys that are forgotten when another model is chosen."""
    _of_one_model.update(keys)


def chosen(key: str) -> str | None:
    """Return what was chosen for `key`, by a click or by the address; None where nothing was."""
    if key in _of_one_model and _chosen_for().get(key) != _model():
        forget(key)
    return _choices().get(key)


def choose(key: str, value: object) -> None:
    """Remember a choice."""
    _choices()[key] = str(value)
    _chosen_for()[key] = _model()


def forget(*keys: str) -> None:
    """Take choices back: the defaults count again."""
    for key in keys:
        _choices().pop(key, None)


def publish(page: str) -> None:
    """Put all choices into the address; after Back or Forward on one page take them from it.

    A link to another page may bring choices along: they join the others.
    """
    address, before = dict(st.query_params), st.session_state.get(_PUBLISHED)
    if before is not None and before[0] == page and before[1] != address:
        _take(address)
    elif address != _choices():
        if before is not None and before[1] != address:
            for key, value in address.items():
                choose(key, value)
        for key in _of_one_model:
            chosen(key)  # forgets it where it was chosen for another model
        st.query_params.from_dict(_choices())
    st.session_state[_PUBLISHED] = page, dict(_choices())


def pick(
    widget: Callable[..., Any], label: str, options: Sequence[T], default: T, key: str, **more: Any
) -> T:
    """Pick one of `options` by a widget; it shows the choice made for `key`, else the default."""
    by_name = {str(option): option for option in options}
    st.session_state[key] = by_name.get(chosen(key) or "", default)
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
    """Pick several by pills, at least one or, with `or_none`, none; the address has commas.

    `widget`: another one that picks several, for options that are too many for pills.
    """
    value = chosen(key)
    on = [option for option in options if option in (value or "").split(",")]
    if not on and not (or_none and value == ""):
        on = list(default)
    st.session_state[key] = on

    def changed() -> None:
        choose(key, ",".join(option for option in options if option in st.session_state[key]))

    widget = widget or functools.partial(st.pills, selection_mode="multi", wrap=True)
    widget(label, options, key=key, on_change=changed, **more)
    return on


def switch(label: str, key: str) -> bool:
    """Draw a toggle, off unless it was switched on."""
    st.session_state[key] = chosen(key) == "True"
    return st.toggle(label, key=key, on_change=lambda: choose(key, st.session_state[key]))


def _choices() -> dict[str, str]:
    if _STATE not in st.session_state:
        _take(dict(st.query_params))
    return st.session_state[_STATE]  # type: ignore[no-any-return]


def _take(address: dict[str, str]) -> None:
    """Let the choices be those of an address, all made for its model."""
    st.session_state[_STATE] = address
    st.session_state[_CHOSEN_FOR] = dict.fromkeys(address, _model())


def _chosen_for() -> dict[str, str]:
    """For each choice the model that was chosen when it was made."""
    _choices()
    return st.session_state[_CHOSEN_FOR]  # type: ignore[no-any-return]


def _model() -> str:
    """The chosen model without its checkpoint: all checkpoints of a run have the same layers."""
    return checkpoint_names.base(_choices().get("model", ""))
