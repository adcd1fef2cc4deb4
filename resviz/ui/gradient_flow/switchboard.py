"""A network's blocks as switches, and two of them to swap, for both views of Remove blocks."""

from collections.abc import Mapping, Sequence

import streamlit as st

from resviz.figures import html
from resviz.figures.gradient_flow import lesions
from resviz.ui.base import url_state
from resviz.ui.base.bounded_cache import cached
from resviz.ui.base.i18n import translate as _
from resviz.ui.services import models

MOST = 60  # blocks, of which any two of a stage are a line of the list
Swap = tuple[str, str] | None


@cached(64)
def removable(model: str) -> dict[str, bool]:
    """The blocks of a model, and whether it can do without each."""
    from resviz.probes.gradient_flow import lesions as probe

    return probe.removable(models.model(model).model)


@cached(64)
def swappable(model: str) -> tuple[tuple[str, str], ...]:
    """Every two blocks of a model that can stand in each other's place."""
    from resviz.probes.gradient_flow import lesions as probe

    return probe.swappable(models.model(model).model)


def chosen_blocks(key: str, can: Mapping[str, bool]) -> list[str]:
    """The blocks that the address takes out, of those that can go."""
    names = (url_state.chosen(key) or "").split(",")
    return [name for name, able in can.items() if able and name in names]


def toggle(key: str, block: str, off: Sequence[str], can: Mapping[str, bool]) -> None:
    """Take a block out or put it back, and draw the page again."""
    after = [name for name in can if (name in off) != (name == block)]
    url_state.choose(key, ",".join(after))
    st.rerun()


def reset_button(key: str, off: Sequence[str], swap: Swap) -> None:
    """The button that makes the network whole again."""
    st.button(
        _("Put all back"),
        on_click=url_state.forget,
        args=(key, "swap"),
        disabled=not off and swap is None,
        width="stretch",
    )


def swap_picker(model: str) -> Swap:
    """Two blocks of a model that stand in each other's place, or none.

    Of very many blocks none are offered.
    """
    if len(removable(model)) > MOST:
        return None
    pairs = {",".join(pair): pair for pair in swappable(model)}
    picked = url_state.pick(
        st.selectbox, _("Swap two blocks"), ["", *pairs], "", "swap", format_func=_pair_title
    )
    return pairs.get(picked)


def _pair_title(pair: str) -> str:
    return " ⇄ ".join(short(name) for name in pair.split(",")) if pair else _("none")


def short(block: str) -> str:
    """Stage and number of a block, as "2.1"."""
    return block.removeprefix("layer")


def switchboard(
    can: Mapping[str, bool],
    off: Sequence[str],
    colour: str = "",
    swap: Swap = None,
    network: str = "",
) -> str:
    """A network's blocks by stage, to be switched by a click; two swapped ones stand so."""
    moved = dict(zip(swap, reversed(swap), strict=True)) if swap else {}
    stages: dict[str, list[html.Cell]] = {}
    for name, able in can.items():
        number = moved.get(name, name).rpartition(".")[2]
        text = f"{number} ⇄" if name in moved else number
        cell = html.Cell(name, text, _hint(name, able, network))
        stages.setdefault(name.rpartition(".")[0], []).append(cell)
    fixed = [name for name, able in can.items() if not able]
    return lesions.switchboard(list(stages.items()), off, fixed, colour)


def _hint(block: str, able: bool, network: str) -> str:
    name = f"{network} {block}".strip()
    if able:
        return _("{block}: click to take it out or put it back").format(block=name)
    return _("{block} cannot be taken out").format(block=name)
