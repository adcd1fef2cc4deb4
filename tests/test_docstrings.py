"""An example in a docstring is a promise: every one of the package runs, and says what it says."""

import doctest
import importlib
from pathlib import Path

import pytest

from tests.test_layout import PACKAGE, ROOT, dotted

EXAMPLES = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text()]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("path", EXAMPLES, ids=dotted)
def test_the_examples_of_a_module_run(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # a file that an example writes
    result = doctest.testmod(importlib.import_module(dotted(path)), optionflags=OPTIONS)
    assert result.attempted, "the examples are in no docstring"
    assert not result.failed, capsys.readouterr().out


def test_the_rules_of_the_layout_are_explained_by_examples_that_run() -> None:
    layout = importlib.import_module("tests.test_layout")
    assert doctest.testmod(layout).failed == 0
    assert ROOT in PACKAGE.parents
