"""The Training page as a visitor finds it, without a browser."""

import os
import re
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.app.test_pages import run as visit


def page(**query: str) -> AppTest:
    app = visit("training", **query)
    assert not app.exception
    return app


def progress(app: AppTest) -> list[str]:
    """What stands over the bars."""
    bars = [found.proto.body for found in app.get("html") if "progressbar" in found.proto.body]
    return [re.search(r'class="run-state"[^>]*>([^<]*)<', bar)[1] for bar in bars]


def button(app: AppTest, label: str) -> object:
    (found,) = [b for b in app.button if b.label == label]
    return found


def menu(app: AppTest) -> str:
    """What the browser knows the menu of the only run by."""
    (found,) = app.get("popover")
    return str(found.proto.id)


def age(run: Path) -> None:
    """As if nothing had been written there for a minute."""
    for path in run.iterdir():
        os.utime(path, (time.time() - 60,) * 2)
