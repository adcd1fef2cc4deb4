"""The numbers of a paper card, row by row; what does not fit on a line stands on the next."""

import re
from collections.abc import Iterable
from html import escape


def table(rows: Iterable[tuple[str, str]]) -> str:
    """What was measured on the left, its numbers on the right, as an HTML table."""
    cells = "".join(_row(name, numbers) for name, numbers in rows)
    return f'<table class="paper">{cells}</table>'


def _row(name: str, numbers: str) -> str:
    heading = f'<th scope="row">{escape(name)}</th>'
    value = f'<td class="number">{escape(_unbroken(numbers))}</td>'
    return f"<tr>{heading}{value}</tr>"


def _unbroken(numbers: str) -> str:
    """Let a line end after a comma and nowhere else."""
    return re.sub(r"(?<!,) ", "\N{NO-BREAK SPACE}", numbers)
