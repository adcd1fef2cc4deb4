"""The numbers of a paper card, row by row."""

from collections.abc import Iterable
from html import escape


def table(rows: Iterable[tuple[str, str]]) -> str:
    """What was measured on the left, its numbers on the right."""
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{escape(numbers)}</td></tr>'
        for name, numbers in rows
    )
    return f'<table class="paper">{cells}</table>'
