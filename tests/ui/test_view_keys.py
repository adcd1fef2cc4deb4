"""One address for all pages: a key that two modules use must mean the same in both."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

UI = Path(__file__).parents[2] / "resviz" / "ui"
KEY_AT = {
    "pick": 4,
    "pick_some": 3,
    "segmented": 3,
    "switch": 1,
    "family_pills": 1,
}  # which argument is the key
SAME = {"layer", "target"}  # the layer and the class that all pages look at


def keys(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            at = KEY_AT.get(name, len(node.args))
            if at < len(node.args) and isinstance(node.args[at], ast.Constant):
                yield node.args[at].value


def test_no_two_modules_keep_different_choices_under_one_key() -> None:
    users = defaultdict(set)
    for path in UI.rglob("*.py"):
        for key in keys(path.read_text()):
            users[key].add(str(path.relative_to(UI)))
    assert {"part", "aspect", "more", "racers", "families", "several"} <= users.keys()
    assert {
        key: sorted(names) for key, names in users.items() if len(names) > 1 and key not in SAME
    } == {}
