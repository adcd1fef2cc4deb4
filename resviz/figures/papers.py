"""The numbers of a paper card, row by row; those that do not fit beside each other stand one under the other."""

import re
from collections.abc import Iterable
from html import escape


def table(rows: Iterable[tuple[str, str]]) -> str:
    """What was measured on the left, its numbers on the right."""
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{_parts(numbers)}</td></tr>'
        for name, numbers in rows
    )
    return f'<table class="paper">{cells}</table>'


def _parts(numbers: str) -> str:
    """A line breaks after a comma and nowhere else."""
    return " ".join(f"<span>{escape(part)}</span>" for part in re.split(r"(?<=,) ", numbers))
