"""Values of an address: whatever stands in one, a reader gives what is inside its bounds."""

import ast
import math
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resviz.ui.base import url_values
from resviz.ui.receptive_field.stack import parse_windows
from resviz.ui.widgets.linked_map import parse_units
from tests.ui.test_view_keys import UI, keys

PIECES = st.sampled_from(
    [
        "9" * 5000,
        "-1",
        "0",
        "1",
        "1e999",
        "nan",
        "inf",
        "٣",
        "²",
        "1_0",
        "+2",
        "\0",
        "<b>",
        ",",
        ";",
    ]
)
VALUES = st.text(max_size=60) | st.lists(PIECES, max_size=12).map("".join)


@settings(max_examples=2000, deadline=None)
@given(VALUES)
@example("9" * 5000 + ",1")
@example("file/\0")
def test_no_value_breaks_a_reader_or_leaves_its_bounds(text: str) -> None:
    whole = url_values.whole_number(text, 2, 50)
    assert whole is None or 2 <= whole <= 50
    real = url_values.number(text, -1.5, 9.5)
    assert real is None or (math.isfinite(real) and -1.5 <= real <= 9.5)
    groups = url_values.groups(text, size=2, high=7, most=3)
    assert len(groups) <= 3
    assert all(len(group) == 2 and max(group) <= 7 for group in groups)
    assert set(url_values.names(text, {"a", "b"})) <= {"a", "b"}
    assert all(row >= 0 and column >= 0 for row, column in parse_units(text))
    parse_windows(text)
    for key, value in url_values.readable({"units": text, text: "1"}).items():
        assert len(key) <= 32
        assert len(value) <= url_values.LONGEST
        assert value.isprintable()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=9))
def test_what_a_page_writes_is_read_again(places: list[tuple[int, int]]) -> None:
    text = ";".join(f"{row},{column}" for row, column in places)
    assert url_values.groups(text, size=2, high=99, most=9) == places
    assert parse_units(text) == places


def test_every_key_that_a_page_uses_can_stand_in_an_address() -> None:
    used = {key for path in UI.rglob("*.py") for key in keys(path.read_text())}
    used |= {key for path in UI.rglob("*.py") for key in chosen(path)}
    assert {"model", "layer", "units", "stack"} <= used
    assert url_values.readable(dict.fromkeys(used, "1")).keys() == used


def chosen(path: Path) -> list[str]:
    """The keys that a module reads by itself."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = ("chosen", "choose")
    direct = [call for call in calls if getattr(call.func, "attr", "") in names and call.args]
    return [call.args[0].value for call in direct if isinstance(call.args[0], ast.Constant)]


@pytest.mark.parametrize(("text", "value"), [("1e3", 1000.0), ("-0.5", -0.5), ("1e999", None)])
def test_numbers_may_have_fractions_and_exponents(text: str, value: float | None) -> None:
    assert url_values.number(text, -1, 1e4) == value
