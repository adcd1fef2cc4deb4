"""Plain values are taken as they are or refused; nothing is made to fit."""

from dataclasses import dataclass

import pytest

from resviz.training.strict import DEEPEST, LONGEST, checked, parsed, schema_of


@dataclass
class Thing:
    name: str
    count: int = 3
    rate: float = 0.5


@pytest.mark.parametrize(
    "values", [{"name": "a"}, {"name": "a", "count": 0, "rate": 2}, {"name": "a", "rate": 1e-9}]
)
def test_what_fits_a_dataclass_fills_it(values):
    found = checked(schema_of(Thing), values).model_dump()
    assert Thing(**found) == Thing(**values)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "name: Field required"),
        ({"name": 3}, "name: Input should be a valid string"),
        ({"name": "a", "count": "3"}, "count: Input should be a valid integer"),
        ({"name": "a", "count": True}, "count: Input should be a valid integer"),
        ({"name": "a", "count": 1.0}, "count: Input should be a valid integer"),
        ({"name": "a", "rate": float("nan")}, "rate: Input should be a finite number"),
        ({"name": "a", "size": 1}, "size: Extra inputs are not permitted"),
        ([1], "valid dictionary"),
    ],
)
def test_what_does_not_fit_names_the_place(values, says):
    with pytest.raises(ValueError, match=says):
        checked(schema_of(Thing), values)


def test_json_may_be_neither_long_nor_deep():
    assert parsed("[" * DEEPEST + "]" * DEEPEST)
    for text in (
        "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 60 + "1" + "}" * 60,
        " " * (LONGEST + 1),
        "{",
    ):
        with pytest.raises(ValueError, match=r"nested too deep|longer than|Expecting"):
            parsed(text)
