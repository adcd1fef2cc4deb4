"""The numbers of a card, row by row; and text from outside."""

import re

from resviz.figures.papers import table


def test_each_row_has_its_name_and_its_numbers():
    html = table([("ours", "3%"), ("more", "4 → 5%")])
    assert re.findall(r'<th scope="row">(\w+)</th>', html) == ["ours", "more"]
    assert re.findall(r'class="number">([^<]+)<', html) == ["3%", "4 → 5%"]


def test_names_are_escaped():
    assert "<b>" not in table([("<b>", "<b>")])
