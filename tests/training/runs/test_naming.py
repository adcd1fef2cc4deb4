"""Folders of runs do not meet; JSON is anybody's JSON."""

import json
import math

import pytest

from resviz.models.spec import ModelSpec
from resviz.training.runs.naming import as_json, new_folder
from tests.training.squares import MODEL

SPEC = ModelSpec.parse(MODEL.removeprefix("new/"))


def no_constant(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


def strict(text: str) -> object:
    """Read as other languages do: NaN and Infinity are errors."""
    return json.loads(text, parse_constant=no_constant)


def test_two_runs_within_a_second_have_folders_of_their_own(home):
    folders = []
    for _ in range(3):
        folders.append(new_folder(SPEC))
        folders[-1].mkdir(parents=True)
    assert len(set(folders)) == 3
    assert {folder.parent for folder in folders} == {home / "runs"}
    assert all(folder.name.startswith("residual-8-") for folder in folders)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            {"a": math.nan, "b": [math.inf, 1.5, (-math.inf, 2)]},
            {"a": None, "b": [None, 1.5, [None, 2]]},
        ),
        ({"é": "\n", "t": True, "n": None}, {"é": "\n", "t": True, "n": None}),
        ([], []),
    ],
)
def test_json_has_null_where_a_number_is_none(value, expected):
    assert strict(as_json(value)) == expected
    assert "\n" not in as_json(value)
