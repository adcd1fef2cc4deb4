"""A picture that can be clicked."""

import json

from streamlit.testing.v1 import AppTest

SCRIPT = """
from resviz.ui.widgets import clickable
clickable.show('<button data-pick="a">A</button>', "letters", "letter")
"""


def test_a_board_is_mounted_with_its_html() -> None:
    app = AppTest.from_string(SCRIPT).run()
    assert not app.exception
    (board,) = app.get("bidi_component")
    assert json.loads(board.proto.json) == '<button data-pick="a">A</button>'
