"""A paper card: what a paper claims and published, what we measured of it, and how to measure it again."""

from collections.abc import Sequence

import streamlit as st

from resviz.figures.papers.card import table
from resviz.papers import cards
from resviz.papers.cards import Card, Row
from resviz.ui.base import page
from resviz.ui.base.i18n import said
from resviz.ui.base.i18n import translate as _
from resviz.ui.widgets import clickable


def show_all(*keys: str) -> None:
    """Cards one under the other, under a heading of their own."""
    st.container(key="papers").subheader(_("Papers"), anchor=False)
    for key in keys:
        show(key)


def show(key: str) -> None:
    """Draw the card of that key; raises `DataError` where there is none, or nothing was measured."""
    card = cards.card(key)
    published, ours = page.wide(f"paper-{key}").columns([1, 1.15], gap="large")
    with published:
        _show_published(card)
    with ours:
        _show_ours(card)


def _show_published(card: Card) -> None:
    st.markdown(f"**{_('Published')}** · {said(card.claim)}")
    st.caption(
        _("{authors} {year}, *{title}*, arXiv {arxiv}, {section}.").format(
            authors=card.authors,
            year=card.year,
            title=card.title,
            arxiv=card.arxiv,
            section=card.section,
        )
    )
    if card.published:
        _show_rows(card.published, f"{card.key}-published")
    else:
        st.caption(_("A claim in words: we quote no number that we could not check."))


def _show_ours(card: Card) -> None:
    ours = card.ours
    st.markdown(_("**Measured with resviz** · {date}").format(date=ours.date))
    _show_rows(ours.rows, f"{card.key}-ours")
    st.caption(f"**{_verdict(card.verdict)}** {said(card.scale)}")
    versions = ", ".join(f"{name} {version}" for name, version in ours.versions.items())
    st.caption(
        _("Again: `{command}` ({versions}).").format(command=ours.command, versions=versions)
    )


def _show_rows(rows: Sequence[Row], key: str) -> None:
    clickable.show(table((said(row.name), said(row.text)) for row in rows), f"paper-{key}")


def _verdict(verdict: str) -> str:
    return {
        cards.REPRODUCED: _("Reproduced."),
        cards.DIRECTION: _("The same direction, at a smaller scale."),
        cards.MISSED: _("Not reproduced."),
    }[verdict]
