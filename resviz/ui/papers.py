"""A paper card: what a paper claims and published, what we measured of it, and how to measure it again."""

import streamlit as st

from resviz.data import papers
from resviz.figures.papers import beside
from resviz.ui import board
from resviz.ui.i18n import translate as _


def show(key: str) -> None:
    """Draw the card of that key; raises `DataError` where there is none, or nothing was measured."""
    card = papers.card(key)
    ours = card.ours
    st.markdown(f"**{card.claim.said(_)}**")
    st.caption(
        _("{authors} {year}, *{title}*, arXiv {arxiv}, {section}.").format(
            authors=card.authors, year=card.year, title=card.title, arxiv=card.arxiv, section=card.section
        )
    )
    heads = (_("Published"), _("Measured with resviz, {date}").format(date=ours.date))
    published, measured = ([(row.name, row.text) for row in rows] for rows in (card.published, ours.rows))
    nothing = _("A claim in words: we quote no number that we could not check.")
    board.show(beside(published, measured, heads, nothing), f"paper-{key}")
    st.caption(f"**{_verdict(card.verdict)}** {card.scale.said(_)}")
    with st.expander(_("Measure it again")):
        st.code(ours.command, language=None, wrap_lines=True)
        st.caption(", ".join(f"{name} {version}" for name, version in ours.versions.items()))


def _verdict(verdict: str) -> str:
    return {
        papers.REPRODUCED: _("Reproduced."),
        papers.DIRECTION: _("The same direction, at a smaller scale."),
        papers.MISSED: _("Not reproduced."),
    }[verdict]
