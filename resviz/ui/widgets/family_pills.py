"""Pills that choose families of networks, each in the colour that its lines have."""

from collections.abc import Sequence

import streamlit as st

from resviz.figures.families import style
from resviz.models.spec import FAMILIES
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.services.network_names import family_title

_ACTIVE = "[data-selected]"


def family_pills(default: Sequence[str], key: str = "families") -> list[str]:
    """Choose at least one family."""
    st.html(f"<style>{_colours(key)}</style>")
    return url_state.pick_some(
        _("Families"), list(FAMILIES), default, key, format_func=family_title
    )


def _colours(key: str) -> str:
    """CSS for the chosen pills: else all of them are in the blue that stands for residual."""
    rules = []
    for place, family in enumerate(FAMILIES, start=1):
        colour = style(family, tuple(FAMILIES)).colour
        rules.append(
            f".st-key-{key} button:nth-of-type({place}){_ACTIVE} {{ border-color: {colour};"
            f" background: color-mix(in srgb, {colour} 16%, transparent); color: inherit; }}"
        )
    return "".join(rules)
