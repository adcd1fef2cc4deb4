"""What a visitor has chosen: for the session across all pages, and in the address.

So a view can be shared. Only choices are kept, never defaults: a default may depend on the page,
the model or the photo.
Values are plain identifiers, the same in every language (Streamlit's own binding would put
translated labels into the address).
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from resviz.ui.base import checkpoint_names
from resviz.ui.base.url_values import readable

T = TypeVar("T")
_STATE, _CHOSEN_FOR, _PUBLISHED = "view", "chosen_for", "published"
_SCRIPT = Path(__file__).parents[1] / "assets" / "address.js"
_address = st.components.v2.component("resviz_address", js=_SCRIPT.read_text())
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
    """Bring choices and address together, as `page` begins.

    Back and Forward take the choices from the address that they lead to. A link brings choices
    along, which join the others. Whatever was chosen since is a step that Back undoes. Everything
    else, such as the bare address of a page that was just changed to, is completed without a step.
    """
    address = readable(st.query_params.to_dict())
    before = st.session_state.get(_PUBLISHED, _Published())
    if _is_back_or_forward():
        _take(address)
    elif (before.page, before.address) != (page, address) and before.choices != address:
        for key, value in address.items():
            choose(key, value)
    for key in _of_one_model:
        chosen(key)  # forgets it where it was chosen for another model
    choices = dict(_choices())
    if before.page == page and before.choices != choices and choices != address:
        st.query_params.from_dict(choices)
        _complete(page, None)
    else:
        _complete(page, choices)
    st.session_state[_PUBLISHED] = _Published(page, address, choices)


@dataclass(frozen=True, slots=True)
class _Published:
    """A page with the address that a run began with, and the choices that it ended with."""

    page: str | None = None
    address: Mapping[str, str] | None = None
    choices: Mapping[str, str] | None = None


def _complete(page: str, choices: Mapping[str, str] | None) -> None:
    """Let the browser put these choices into the address of the page, without a step of history."""
    query = None if choices is None else urlencode(choices)
    with st.container(key="address"):
        _address(data={"page": page, "query": query}, key="address-bar")


def _is_back_or_forward() -> bool:
    """Whether the browser's Back or Forward led to this run."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


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
        _take(readable(st.query_params.to_dict()))
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
