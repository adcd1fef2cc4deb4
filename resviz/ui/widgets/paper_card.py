"""A paper card: what a paper published, what we measured, and how to measure it again."""

from collections.abc import Sequence

import streamlit as st

from resviz.figures.papers.card import table
from resviz.papers.card import DIRECTION, MISSED, REPRODUCED, Card, Row
from resviz.papers.cards import card
from resviz.ui.base import page
from resviz.ui.base.i18n import said
from resviz.ui.base.i18n import translate as _
from resviz.ui.widgets import clickable


def paper_cards(*keys: str) -> None:
    """Cards one under the other, under a heading of their own."""
    st.container(key="papers").header(_("Papers"), anchor=False)
    for key in keys:
        paper_card(key)


def paper_card(key: str) -> None:
    """Draw the card of a key; raises `DataError` where there is none, or no measurement."""
    chosen = card(key)
    published, ours = page.wide(f"paper-{key}").columns([1, 1.15], gap="large")
    with published:
        _published(chosen)
    with ours:
        _measured(chosen)


def _published(card: Card) -> None:
    st.markdown(f"**{_('Published')}** · {said(card.claim)}")
    citation = _("{authors} {year}, *{title}*, arXiv {arxiv}, {section}.")
    paper = card.paper
    st.caption(
        citation.format(
            authors=paper.authors,
            year=paper.year,
            title=paper.title,
            arxiv=paper.arxiv,
            section=card.section,
        )
    )
    if card.published:
        _number_table(card.published, f"{card.key}-published")
    else:
        st.caption(_("The paper claims this in words; we quote no number that we could not check."))


def _measured(card: Card) -> None:
    ours = card.ours
    st.markdown(_("**Measured with resviz** · {date}").format(date=ours.date))
    _number_table(ours.rows, f"{card.key}-ours")
    st.caption(f"**{_verdict(card.verdict)}** {said(card.scale)}", help=said(card.rule.condition))
    versions = ", ".join(f"{name} {version}" for name, version in ours.versions.items())
    again = _("To repeat it: `{command}` ({versions}).")
    st.caption(again.format(command=ours.command, versions=versions))


def _number_table(rows: Sequence[Row], key: str) -> None:
    cells = table((said(row.name), said(row.text)) for row in rows)
    clickable.show(cells, f"paper-{key}")


def _verdict(verdict: str) -> str:
    return {
        REPRODUCED: _("Reproduced."),
        DIRECTION: _("Same direction at a smaller scale."),
        MISSED: _("Not reproduced."),
    }[verdict]
