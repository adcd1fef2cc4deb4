"""The small stack: from the address, under the sliders."""

import pytest

from tests.app.test_pages import words
from tests.ui.receptive_field.pages import button, page


def test_the_small_stack_is_taken_from_the_address() -> None:
    app = page(more="stack", stack="5,2,1;3,1,2")
    assert "One unit behind these windows sees 13 px; neighbours lie 2 px apart" in words(
        app
    )  # 5, + 2 * 2 * 2


@pytest.mark.parametrize("stack", ["", "nonsense", "0,0,0", "3,1", "99,1,1;3,1,1"])
def test_a_stack_that_is_none_gives_way_to_the_usual_one(stack: str) -> None:
    assert "sees 11 px" in words(page(more="stack", stack=stack))  # 3, 5, 7, + 2 * 2


def test_the_window_under_the_sliders_changes_and_others_come_and_go() -> None:
    app = page(more="stack", stack="3,1,1;3,1,1", window="1")
    app.slider(key="stack-kernel").set_value(5).run()
    assert "sees 7 px" in words(app)  # 5, + 2
    app.slider(key="stack-stride").set_value(2).run()
    app.slider(key="stack-dilation").set_value(2).run()
    assert "sees 13 px; neighbours lie 2 px apart" in words(app)  # 1 + 4 * 2, + 2 * 2
    button(app, "Add one behind").click().run()
    assert app.session_state["view"]["stack"] == "5,2,2;5,2,2;3,1,1"
    assert "**Window 2 of 3**" in words(app)
    button(app, "Remove").click().run()
    button(app, "Remove").click().run()
    assert app.session_state["view"]["stack"] == "3,1,1"
    assert button(app, "Remove").disabled
    for _ in range(7):
        button(app, "Add one behind").click().run()
    assert "sees 17 px" in words(app)
    assert button(app, "Add one behind").disabled


def test_a_stack_whose_field_is_wider_than_any_screen_is_told_and_not_drawn() -> None:
    app = page(more="stack", stack=";".join(["31,8,16"] * 8))
    size = 1 + 30 * 16 * sum(8**i for i in range(8))
    assert f"A field of {size:,} px is too wide" in app.info[0].value
    assert f"sees {size} px" in words(app)
    assert not app.get("plotly_chart")
