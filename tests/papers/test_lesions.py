"""A residual network must hardly lose, and a plain one sink to chance."""

import pytest

from resviz.papers import lesions


def test_numbers_that_agree_with_the_claim_keep_the_rule():
    assert lesions.holds(
        {("resnet20-digits", "out"): (95.6, 95.0), ("plain20-digits", "out"): (94.4, 5.6)}
    )


@pytest.mark.parametrize(
    "numbers",
    [
        {("resnet20-digits", "out"): (95.6, 95.0), ("plain20-digits", "out"): (94.4, 60.0)},
        {("resnet20-digits", "out"): (95.6, 80.0), ("plain20-digits", "out"): (94.4, 5.6)},
    ],
)
def test_numbers_that_contradict_the_claim_break_it(numbers):
    assert not lesions.holds(numbers)


def test_the_card_is_decided_by_this_rule_on_its_own_rows():
    card = lesions.CARD
    assert card.rule.holds is lesions.holds
    assert {row["what"] for row in stored(card)} <= card.names.keys()


def stored(card):
    from resviz.papers.card import stored_numbers

    return stored_numbers(card.measured)["rows"]
