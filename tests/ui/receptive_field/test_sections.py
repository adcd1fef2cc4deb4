"""The sections: one is open, and each can be had by its name in the address."""

import pytest

from tests.app.test_pages import words
from tests.ui.receptive_field.pages import page

SAYS = {
    "depth": "Dashed: what moves it",
    "arithmetic": "longest path from the image to layer2.0",
    "fit": "no wider context to add",
    "stack": "One unit behind these windows",
}


@pytest.mark.parametrize("section", SAYS)
def test_a_section_shows_itself_alone(section: str) -> None:
    text = words(page(layer="layer2.0", more=section)).replace("\\", "")
    assert [name for name, sentence in SAYS.items() if sentence in text] == [section]


def test_an_unknown_section_gives_way_to_the_first() -> None:
    assert SAYS["depth"] in words(page(layer="layer2.0", more="nothing"))
