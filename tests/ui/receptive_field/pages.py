"""The page on receptive fields as a visitor finds it, without a browser."""

from typing import Any

from streamlit.testing.v1 import AppTest

from tests.app.test_pages import SMALL, run


def page(**query: str) -> AppTest:
    app = run("receptive_field", model=SMALL, against=";", **query)
    assert not app.exception
    return app


def button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label == label)
