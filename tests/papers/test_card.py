"""A verdict follows from numbers by the rule of its card, never by hand."""

import pytest

from resviz.errors import Sentence
from resviz.papers import adabn, corruptions, effective_field, lesions
from resviz.papers.card import DIRECTION, MISSED, REPRODUCED, Rule

DIGITS = {
    ("resnet20-digits", "one block out"): (95.6, 95.0),
    ("plain20-digits", "one block out"): (94.4, 5.6),
}
GROWTH = {("c", "growth"): (0.49,), ("c", "share"): (-0.46,), ("d", "shortcuts"): (18.4, 15.2)}


@pytest.mark.parametrize(
    ("holds", "same_setting", "verdict"),
    [
        (True, True, REPRODUCED),
        (True, False, DIRECTION),
        (False, True, MISSED),
        (False, False, MISSED),
    ],
)
def test_a_claim_is_reproduced_only_where_it_holds_in_the_setting_of_the_paper(
    holds, same_setting, verdict
):
    rule = Rule(words=Sentence("."), holds=lambda numbers: holds, same_setting=same_setting)
    assert rule.verdict({}) == verdict


@pytest.mark.parametrize(
    ("holds", "numbers"),
    [
        (lesions.holds, DIGITS),
        (adabn.holds, {("a", "noise"): (40.0, 60.0), ("a", "clean"): (90.0, 10.0)}),
        (corruptions.holds, {("a", "mean error"): (60.0, 40.0)}),
        (effective_field.grows_as_published, GROWTH),
        (effective_field.grows_by_training, {("a", "training"): (4.0, 8.0)}),
    ],
)
def test_a_rule_holds_for_numbers_that_agree_with_its_claim(holds, numbers):
    assert holds(numbers)


@pytest.mark.parametrize(
    ("holds", "numbers"),
    [
        (lesions.holds, DIGITS | {("plain20-digits", "one block out"): (94.4, 60.0)}),
        (lesions.holds, DIGITS | {("resnet20-digits", "one block out"): (95.6, 80.0)}),
        (adabn.holds, {("a", "noise"): (40.0, 60.0), ("a", "blur"): (90.0, 85.0)}),
        (adabn.holds, {("a", "noise"): (40.0, 41.0)}),
        (corruptions.holds, {("a", "mean error"): (60.0, 58.0)}),
        (effective_field.grows_as_published, GROWTH | {("c", "growth"): (0.9,)}),
        (effective_field.grows_as_published, GROWTH | {("d", "shortcuts"): (15.2, 18.4)}),
        (effective_field.grows_by_training, {("a", "training"): (8.0, 4.2)}),
    ],
)
def test_a_rule_fails_for_numbers_that_contradict_its_claim(holds, numbers):
    assert not holds(numbers)
