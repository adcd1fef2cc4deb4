"""Accuracy must rise on most corrupted sets and fall far on none."""

import pytest

from resviz.papers import adabn


def test_numbers_that_agree_with_the_claim_keep_the_rule():
    assert adabn.holds({("a", "noise"): (40.0, 60.0), ("a", "clean"): (90.0, 10.0)})


@pytest.mark.parametrize(
    "numbers",
    [{("a", "noise"): (40.0, 60.0), ("a", "blur"): (90.0, 85.0)}, {("a", "noise"): (40.0, 41.0)}],
)
def test_numbers_that_contradict_the_claim_break_it(numbers):
    assert not adabn.holds(numbers)


def test_the_card_is_decided_by_this_rule_on_its_own_rows():
    card = adabn.CARD
    assert card.rule.holds is adabn.holds
    assert {row["what"] for row in stored(card)} <= card.names.keys()


def stored(card):
    from resviz.papers.card import stored_numbers

    return stored_numbers(card.measured)["rows"]
