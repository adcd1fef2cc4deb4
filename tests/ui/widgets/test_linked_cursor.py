"""The cursor reports the cell that was pinned, and only that."""

from streamlit.testing.v1 import AppTest

from resviz.ui.widgets import linked_cursor


def script() -> None:
    import streamlit as st

    from resviz.ui.widgets import linked_cursor

    pinned: list[str] = st.session_state.setdefault("pinned", [])
    linked_cursor._cursor = lambda data, key, on_picked_change: on_picked_change()
    st.session_state["cursor-unit"] = type("State", (), {"picked": st.session_state.get("click")})()
    linked_cursor.mount_cursor("<p></p>", "unit", pinned.append)


def test_a_click_is_reported_and_a_run_without_one_is_not() -> None:
    cursor = linked_cursor._cursor
    try:
        app = AppTest.from_function(script).run()
        assert app.session_state["pinned"] == []
        app.session_state["click"] = "3,5"
        assert app.run().session_state["pinned"] == ["3,5"]
    finally:
        linked_cursor._cursor = cursor


def test_the_cursor_brings_its_styles_and_its_script() -> None:
    assert ".lattice" in linked_cursor._CSS
    assert 'setTriggerValue("picked"' in linked_cursor._JS
