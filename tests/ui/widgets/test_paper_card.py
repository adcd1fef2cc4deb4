"""The card of a paper on a page."""

import json
from html import unescape

import pytest
from streamlit.testing.v1 import AppTest

from resviz.papers.cards import card

SCRIPT = """
from resviz.ui.widgets import paper_card
paper_card.paper_cards("lesions")
"""


def test_a_card_shows_the_paper_its_numbers_and_how_to_measure_again() -> None:
    app = AppTest.from_string(SCRIPT).run()
    assert not app.exception
    shown = card("lesions")
    text = "\n".join(element.value for element in (*app.caption, *app.markdown))
    assert f"arXiv {shown.paper.arxiv}" in text
    assert f"`{shown.ours.command}`" in text
    tables = [unescape(json.loads(board.proto.json)) for board in app.get("bidi_component")]
    for row in shown.ours.rows:
        assert any(unbroken(row.text) in unbroken(table) for table in tables)


@pytest.mark.parametrize("key", ["nothing"])
def test_a_card_that_is_not_there_is_refused(key: str) -> None:
    app = AppTest.from_string(SCRIPT.replace("lesions", key)).run()
    assert app.exception[0].message


def unbroken(text: str) -> str:
    """The text without the spaces and joiners that decide where a line may break."""
    return "".join(text.replace("\N{WORD JOINER}", "").split())
