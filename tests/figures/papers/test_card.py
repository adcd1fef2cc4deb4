"""The numbers of a card, row by row; and text from outside."""

import re

from resviz.figures.papers.card import table


def test_each_row_has_its_name_and_its_numbers():
    html = table([("ours", "3%"), ("more", "4 → 5%")])
    assert re.findall(r'<th scope="row">(\w+)</th>', html) == ["ours", "more"]
    assert re.findall(r'class="number">([^<]+)<', html) == [
        "3%",
        "4\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}5%",
    ]


def test_a_line_of_numbers_breaks_after_a_comma_only():
    words = (
        table([("a", "18.4 px plain, 15.2 px residual")])
        .split(">")[-4]
        .replace("\N{NO-BREAK SPACE}", "_")
    )
    assert words == "18.4_px_plain, 15.2_px_residual</td"


def test_names_are_escaped():
    assert "<b>" not in table([("<b>", "<b>")])
