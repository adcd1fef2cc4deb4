"""Pills and tags of networks, each in the colour that its family's lines have."""

from collections.abc import Sequence

import streamlit as st

from resviz.figures.families import style
from resviz.models.spec import FAMILIES
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.services.network_names import family_title


def family_pills(default: Sequence[str], key: str) -> list[str]:
    """Choose at least one family."""
    st.html(f"<style>{pill_colours(key)}</style>")
    return url_state.pick_some(
        _("Families"), list(FAMILIES), default, key, format_func=family_title
    )


def pill_colours(key: str) -> str:
    """CSS for the chosen pills: else all of them are in the blue that stands for residual."""
    pills = (
        (f".st-key-{key} button:nth-of-type({place})[data-selected]", family)
        for place, family in enumerate(FAMILIES, start=1)
    )
    return "".join(_rule(selector, family) for selector, family in pills)


def tag_colours(key: str, families: Sequence[str]) -> str:
    """CSS for the tags of a multiple choice, whose first ones are networks of these families."""
    tags = (
        (f'.st-key-{key} [data-tag-index="{place}"]', family)
        for place, family in enumerate(families)
    )
    return "".join(_rule(selector, family) for selector, family in tags)


def _rule(selector: str, family: str) -> str:
    """A tint that text can be read on, and the colour itself around it."""
    colour = style(family, tuple(FAMILIES)).colour
    return (
        f"{selector} {{ box-shadow: inset 0 0 0 1px {colour}; border-color: {colour};"
        f" background: color-mix(in srgb, {colour} 16%, transparent);"
        " color: var(--st-text-color, inherit); }"
    )
