"""A family looks the same everywhere, and no two look alike."""

from itertools import combinations

import pytest

from resviz.figures.families import style
from resviz.figures.theme import PLAIN, RESIDUAL
from resviz.models.choices import FAMILIES

EVERY = tuple(FAMILIES)


def test_plain_is_orange_and_residual_blue_whatever_stands_beside_them() -> None:
    for families in ((), EVERY, EVERY[::-1], ("residual",)):
        assert style("plain", families).colour == PLAIN
        assert style("residual", families).colour == RESIDUAL


@pytest.mark.parametrize(("one", "other"), list(combinations(EVERY, 2)))
def test_two_families_differ_in_colour_or_dash(one: str, other: str) -> None:
    looks = {(style(name, EVERY).colour, style(name, EVERY).dash) for name in (one, other)}
    assert len(looks) == 2


def test_the_main_two_differ_from_the_others_without_colour() -> None:
    dashes = {style(name, EVERY).dash for name in EVERY if name not in ("plain", "residual")}
    assert style("plain", EVERY).dash not in dashes


def test_a_family_that_nobody_listed_has_a_style_too() -> None:
    assert style("new", EVERY).colour
