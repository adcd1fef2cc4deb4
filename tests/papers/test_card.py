"""A verdict follows from numbers by the rule of its card, never by hand."""

import pytest

from resviz.errors import Sentence
from resviz.papers.card import DIRECTION, MISSED, REPRODUCED, Rule


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
    rule = Rule(condition=Sentence("."), holds=lambda numbers: holds, same_setting=same_setting)
    assert rule.verdict({}) == verdict
