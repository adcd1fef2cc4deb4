"""What a refusal looks like where it stands alone on a page."""

import pytest

from resviz.errors import ProbeError, Sentence
from resviz.ui.base import i18n
from resviz.ui.base.i18n import said, whole

INNER = Sentence("its ReLU works in place")


@pytest.mark.parametrize(
    ("refusal", "shown"),
    [
        (
            ProbeError(
                "this network has no blocks, so there is one path only; choose a residual network"
            ),
            "This network has no blocks, so there is one path only; choose a residual network.",
        ),
        (
            ProbeError("{layer} is no layer; is it {other}?", layer="fc", other="bn"),
            "fc is no layer; is it bn?",
        ),
        (
            ProbeError("{reason}; choose {count}", reason=INNER, count=2),
            "Its ReLU works in place; choose 2.",
        ),
        (
            ProbeError("{reason}; no", reason=Sentence("{layer} is small", layer="conv1")),
            "conv1 is small; no.",
        ),
        (ProbeError("new/residual-9 has no such depth"), "new/residual-9 has no such depth."),
        (ProbeError("Whole already. (It is.)"), "Whole already. (It is.)"),
        ("a run's old message", "a run's old message."),
    ],
)
def test_a_capital_begins_it_unless_a_name_does_and_a_full_stop_ends_it(refusal, shown):
    assert whole(refusal) == shown


def test_the_words_themselves_stay_and_are_translated_first(monkeypatch):
    refusal = ProbeError("{what} has no end", what="fc")
    assert said(refusal) == "fc has no end"
    monkeypatch.setattr(i18n, "translate", lambda words: "endlos ist {what}")
    assert whole(refusal) == "Endlos ist fc."
