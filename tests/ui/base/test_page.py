"""Text from outside on a page."""

import subprocess
import sys
from pathlib import Path

import pytest

from resviz.ui.base.page import escaped

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`python -m resviz models` lists them", "`python -m resviz models` lists them"),
        ("![a](http://x.y) `b`", "\\!\\[a\\](http\\:\N{WORD JOINER}//x.y) `b`"),
        ("a ` [b](c) and `d", "a ` [b](c) and `d"),  # all of it is code
        ("one ` [b](c)", r"one \` \[b\](c)"),
        ("two `` [b](c) ``", r"two \`\` \[b\](c) \`\`"),
        ("`a|[b](c)`", r"\`a\|\[b\](c)\`"),
    ],
)
def test_code_is_shown_as_code_and_nothing_else_is_markdown(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_the_frame_of_a_page_waits_for_no_heavy_import() -> None:
    code = (
        "import streamlit, sys; before = set(sys.modules)\n"
        "from resviz.ui.base import page, url_state; print(*set(sys.modules) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert not {"numpy", "PIL", "plotly", "torch"} & set(done.stdout.split())
