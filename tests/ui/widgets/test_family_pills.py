"""Chosen families have the colours of their lines, each by its place among the pills."""

import re

from resviz.figures.families import style
from resviz.models.spec import FAMILIES
from resviz.ui.widgets.family_pills import _colours


def test_each_pill_has_its_familys_colour():
    rules = re.findall(r"nth-of-type\((\d+)\)\S* { border-color: (#\w+)", _colours("families"))
    names = tuple(FAMILIES)
    assert rules == [
        (str(place), style(family, names).colour) for place, family in enumerate(names, start=1)
    ]
