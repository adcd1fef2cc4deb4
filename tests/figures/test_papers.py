"""A card's two columns: whose number stands where, and text from outside."""

import re

from resviz.figures.papers import beside


def test_published_numbers_stand_under_their_own_head_and_ours_under_ours():
    html = beside([("theirs", "1 → 2 %")], [("ours", "3 %"), ("more", "4 %")], ("Published", "Measured"), "nothing")
    left, right = html.split("Measured")
    assert re.findall(r'<th scope="row">(\w+)</th>', left) == ["theirs"]
    assert re.findall(r'class="number">([^<]+)<', left) == ["1 → 2 %"]
    assert re.findall(r'<th scope="row">(\w+)</th>', right) == ["ours", "more"]
    assert re.findall(r'class="number">([^<]+)<', right) == ["3 %", "4 %"]
    assert "nothing" not in html


def test_a_claim_without_a_number_says_so_and_shows_none():
    left = beside([], [("ours", "3 %")], ("Published", "Measured"), "a claim in words").split("Measured")[0]
    assert "a claim in words" in left
    assert "<table>" not in left


def test_names_are_escaped():
    assert "<b>" not in beside([("<b>", "<b>")], [("<b>", "<b>")], ("<b>", "<b>"), "")
