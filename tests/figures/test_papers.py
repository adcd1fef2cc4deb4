"""The numbers of a card, row by row; and text from outside."""

import re

from resviz.figures.papers import table


def test_each_row_has_its_name_and_its_numbers():
    html = table([("ours", "3%"), ("more", "4 → 5%")])
    assert re.findall(r'<th scope="row">(\w+)</th>', html) == ["ours", "more"]
    assert re.findall(r"<span>([^<]+)</span>", html) == ["3%", "4 → 5%"]


def test_a_line_of_numbers_breaks_after_a_comma_only():
    assert "<span>18.4 px plain,</span> <span>15.2 px residual</span>" in table(
        [("a", "18.4 px plain, 15.2 px residual")]
    )
    assert "<span>1,000 → 2,000</span></td>" in table([("a", "1,000 → 2,000")])


def test_names_are_escaped():
    assert "<b>" not in table([("<b>", "<b>")])
