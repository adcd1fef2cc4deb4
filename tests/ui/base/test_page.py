"""Text from outside on a page."""

import pytest

from resviz.ui.base.page import escaped


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
