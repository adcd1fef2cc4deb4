"""A sentence remembers how it was made, and is said again in another language."""

import json
import pickle
from pathlib import Path

import pytest

from resviz.errors import CheckpointError, ProbeError, ResvizError, Sentence, first_line

GERMAN = {
    "{count} pictures are too many; {way_out}.": "{way_out}: {count} Bilder sind zu viele.",
    "take fewer than {most}": "nimm weniger als {most}",
    "A sentence without values": "Ein Satz ohne Werte",
}


def german(text: str) -> str:
    return GERMAN.get(text, text)


def refusal() -> ProbeError:
    return ProbeError(
        "{count} pictures are too many; {way_out}.",
        count=7,
        way_out=Sentence("take fewer than {most}", most=3),
    )


def test_an_error_reads_as_its_sentence():
    assert str(refusal()) == "7 pictures are too many; take fewer than 3."


def test_a_sentence_is_said_again_with_the_sentences_inside_it():
    assert refusal().sentence.said(german) == "nimm weniger als 3: 7 Bilder sind zu viele."
    assert ResvizError("A sentence without values").sentence.said(german) == "Ein Satz ohne Werte"


def test_an_error_inside_another_is_said_too():
    outer = CheckpointError(
        "{path} fits nothing ({reason})",
        path="a.pt",
        reason=ResvizError("A sentence without values"),
    )
    assert str(outer) == "a.pt fits nothing (A sentence without values)"
    assert outer.sentence.said(german) == "a.pt fits nothing (Ein Satz ohne Werte)"


def test_values_are_formatted_as_the_template_says_and_braces_in_them_are_left_alone():
    assert (
        str(ResvizError("{name!r} has {size:,} bytes", name="{a}", size=1234))
        == "'{a}' has 1,234 bytes"
    )
    assert str(ResvizError("no values: {this} stays")) == "no values: {this} stays"


def test_an_error_goes_through_pickle_with_its_template():
    again = pickle.loads(pickle.dumps(refusal()))
    assert type(again) is ProbeError
    assert str(again) == str(refusal())
    assert again.sentence.said(german) == refusal().sentence.said(german)


def test_a_sentence_goes_through_json_with_its_template():
    sentence = CheckpointError(
        "{path} holds {count:,} of {reason}", path=Path("a.pt"), count=1234, reason=refusal()
    ).sentence
    again = Sentence.from_plain(json.loads(json.dumps(sentence.as_plain())))
    assert again == sentence == "a.pt holds 1,234 of 7 pictures are too many; take fewer than 3."
    assert "nimm weniger als 3" in again.said(german)


@pytest.mark.parametrize(
    "told",
    [
        {"template": "{x:>999999999}", "values": {"x": "bomb"}},
        {"template": "{x.__class__}", "values": {"x": 1}},
        {"template": "{x[0]}", "values": {"x": "abc"}},
        {"template": "{y}", "values": {"x": 1}},
        {"template": "{x:,}", "values": {"x": "no number"}},
        {"template": 3, "values": {}},
        ["a list"],
        None,
    ],
)
def test_what_a_foreign_file_says_is_shown_as_it_is(told):
    assert len(Sentence.from_plain(told)) < 100


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        (ValueError("\n  no such key.\nat line 3"), "no such key"),
        (KeyError(), "KeyError"),
        (OSError("x" * 500), "x" * 160),
    ],
)
def test_of_a_foreign_message_the_first_line_is_quoted(reason: Exception, line: str):
    assert first_line(reason) == line
