"""Networks have the colours of their lines, each by its place among pills and tags."""

import re

from resviz.figures.families import style
from resviz.figures.theme import PLAIN, RESIDUAL
from resviz.models.spec import FAMILIES
from resviz.ui.widgets.family_pills import pill_colours, tag_colours


def test_each_pill_has_its_familys_colour():
    rules = re.findall(r"nth-of-type\((\d+)\).*?border-color: (#\w+)", pill_colours("families"))
    names = tuple(FAMILIES)
    assert rules == [
        (str(place), style(family, names).colour) for place, family in enumerate(names, start=1)
    ]


def test_tags_have_the_colours_of_the_networks_they_name():
    css = tag_colours("films", ["residual", "plain"])
    rules = re.findall(r'data-tag-index="(\d)".*?border-color: (#\w+)', css)
    assert rules == [("0", RESIDUAL), ("1", PLAIN)]
