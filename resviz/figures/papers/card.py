"""The numbers of a paper card, row by row; those that do not fit beside each other stand one under the other."""

import re
from collections.abc import Iterable
from html import escape


def table(rows: Iterable[tuple[str, str]]) -> str:
    """What was measured on the left, its numbers on the right."""
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{escape(_unbroken(numbers))}</td></tr>'
        for name, numbers in rows
    )
    return f'<table class="paper">{cells}</table>'


def _unbroken(numbers: str) -> str:
    """A line ends after a comma and nowhere else."""
    return re.sub(r"(?<!,) ", "\N{NO-BREAK SPACE}", numbers)
