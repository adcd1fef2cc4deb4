"""What is to be translated is a literal: the catalogue is made by reading the source."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from resviz import errors

ROOT = Path(__file__).parents[1]
FILES = sorted([*ROOT.glob("resviz/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "app.py"])
FAMILY = {
    name
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.ResvizError)
}
TRANSLATED = {"_", "Sentence"} | FAMILY


def unreadable(source: str) -> Iterator[int]:
    """Lines on which something to be translated is put together while the program runs."""
    own = {
        node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)
    } & TRANSLATED
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in TRANSLATED - own
        ):
            first = node.args[0] if node.args else None
            literal = isinstance(first, ast.Constant) and isinstance(first.value, str)
            if not literal and not _made_elsewhere(node.func.id, first):
                yield node.lineno


def _made_elsewhere(name: str, first: ast.expr | None) -> bool:
    """A call that returns a sentence: only errors take one."""
    return name in FAMILY and isinstance(first, ast.Call)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_translated_is_a_literal(path: Path) -> None:
    assert list(unreadable(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        '_(f"{n} layers")',
        "_(words)",
        'ProbeError(f"no layer {name}")',
        'Sentence("a" if x else "b")',
        "ModelError()",
    ],
)
def test_text_put_together_is_found(source: str) -> None:
    assert list(unreadable(source)) == [1]
