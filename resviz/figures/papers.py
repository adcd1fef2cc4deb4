"""A paper card's numbers: what was published beside what we measured."""

from collections.abc import Sequence
from html import escape

Pair = tuple[str, str]  # what it is, and its numbers


def beside(published: Sequence[Pair], ours: Sequence[Pair], heads: tuple[str, str], nothing: str) -> str:
    """Two columns under their heads: the paper's numbers on the left, ours on the right, each row with its name.

    `nothing` stands on the left where the paper is quoted without a number.
    """
    left = _rows(published) if published else f'<p class="muted">{escape(nothing)}</p>'
    columns = zip(heads, (left, _rows(ours)), strict=True)
    return f'<div class="paper">{"".join(_column(head, rows) for head, rows in columns)}</div>'


def _column(head: str, rows: str) -> str:
    return f'<div><p class="head">{escape(head)}</p>{rows}</div>'


def _rows(pairs: Sequence[Pair]) -> str:
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{escape(numbers)}</td></tr>'
        for name, numbers in pairs
    )
    return f"<table>{cells}</table>"
