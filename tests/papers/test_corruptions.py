"""Each network's mean error must fall by more than five points."""

import pytest

from resviz.papers import corruptions


def test_numbers_that_agree_with_the_claim_keep_the_rule():
    assert corruptions.holds({("a", "mean error"): (60.0, 40.0)})


@pytest.mark.parametrize(
    "numbers",
    [
        {("a", "mean error"): (60.0, 58.0)},
        {("a", "mean error"): (60.0, 40.0), ("b", "mean error"): (40.0, 45.0)},
    ],
)
def test_numbers_that_contradict_the_claim_break_it(numbers):
    assert not corruptions.holds(numbers)


def test_the_card_is_decided_by_this_rule_on_its_own_rows():
    card = corruptions.CARD
    assert card.rule.holds is corruptions.holds
    assert {row["what"] for row in stored(card)} <= card.names.keys()


def stored(card):
    from resviz.papers.card import stored_numbers

    return stored_numbers(card.measured)["rows"]
