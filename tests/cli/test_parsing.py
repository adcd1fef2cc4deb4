"""Options that several commands have are written once; numbers are read within bounds."""

import argparse
import ast
from collections import Counter
from pathlib import Path

import pytest

from resviz import cli
from resviz.cli import parsing

MODULES = sorted(Path(cli.__file__).parent.glob("*.py"))


def written(path: Path) -> list[str]:
    """The options that a module writes: the literal names in `add_argument("--x")` and its like."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    literals = (
        argument.value
        for call in calls
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    )
    return [text for text in literals if text.startswith("--")]


def test_an_option_is_written_once() -> None:
    counts = Counter(name for path in MODULES for name in written(path))
    assert counts["--model"], "nothing was read"
    assert {name: count for name, count in counts.items() if count > 1} == {}


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("5", 5), ("0", None), ("6", None), ("2.5", None), ("x", None)]
)
def test_a_whole_number_has_bounds(text: str, number: int | None) -> None:
    read = parsing.whole(1, 5)
    if number is not None:
        assert read(text) == number
        return
    with pytest.raises(argparse.ArgumentTypeError, match=f"from 1 to 5, got {text}"):
        read(text)


def test_a_command_changes_of_a_shared_option_only_what_is_its_own() -> None:
    parser = argparse.ArgumentParser()
    parsing.with_model(parser, required=False, help="mine")
    (option,) = [action for action in parser._actions if action.dest == "model"]
    assert (option.required, option.metavar, option.help) == (False, "M", "mine")
