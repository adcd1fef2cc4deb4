"""Families have their colour in lists of choices too: plain is orange, whatever the theme's accent."""

import streamlit as st

from resviz.figures import families
from resviz.figures.theme import RESIDUAL
from resviz.models.spec import FAMILIES
from resviz.ui.services.network_names import family_title

# Streamlit marks a chosen value with `data-tag`, its text is the label for screen readers: the
# family alone in the choice of families, the family with a depth in the choice of runs.
_RULE = (
    '.stMultiSelect [data-tag][aria-label="{title}"],'
    '.stMultiSelect [data-tag][aria-label^="{title}-"]'
    "{{background:{colour};color:{ink}}}"
)
_LIGHT, _DARK = "#fff", "#111"


def colour_chips() -> None:
    """Give the chips of the page's lists the colours of their families."""
    rules = [_rule(family) for family in FAMILIES]
    st.html(f"<style>{''.join(rules)}</style>")


def _rule(family: str) -> str:
    colour = families.style(family, tuple(FAMILIES)).colour
    # white on orange, green or sky has less than 4.5:1
    ink = _LIGHT if colour == RESIDUAL else _DARK
    title = family_title(family).replace("\\", "\\\\").replace('"', '\\"')
    return _RULE.format(title=title, colour=colour, ink=ink)
