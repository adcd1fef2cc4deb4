"""What a command prints: its result on standard output, progress and refusals on standard error."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from resviz.errors import ResvizError
from resviz.progress import Progress

Result = dict[str, Any]
CLEAR = "\r\033[K"  # back to the start of a terminal's line, and empty it


def progress(share: float, what: str = "") -> None:
    """One line on standard error that is written over, on a terminal only."""
    if sys.stderr.isatty():
        print(f"{CLEAR}{share:4.0%} {what}", end="", file=sys.stderr, flush=True)


def counter(what: str) -> Progress:
    """Say what is being done at every share."""
    return lambda share, _="": progress(share, what)


def note(text: str) -> None:
    """A line on standard error that stays, on a terminal only."""
    if sys.stderr.isatty():
        print(f"{CLEAR}{text}", file=sys.stderr, flush=True)


def say(text: str) -> None:
    """The one line about why there is no result."""
    print(f"{CLEAR if sys.stderr.isatty() else ''}resviz: {text}", file=sys.stderr)


def print_result(text: str) -> None:
    """Print the result; a reader who has seen enough (`| head`) may close the pipe."""
    if sys.stderr.isatty():
        print(CLEAR, end="", file=sys.stderr, flush=True)
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Python flushes at exit, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write(folder: str, name: str, write: Callable[[Path], object]) -> str:
    """Write one file into the folder, which is made if need be; raises `ResvizError`."""
    path = Path(folder) / name.replace("/", "_")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
    except OSError as reason:
        raise ResvizError(
            "{path} cannot be written ({reason}); choose another --out.",
            path=path,
            reason=reason.strerror or reason,
        ) from None
    return str(path)


def as_json(result: Result) -> str:
    from resviz.training.runs.naming import as_json

    return as_json(result)


def as_text(result: Result) -> str:
    """The same facts for a person: a table for a list of records, `name: value` for the rest."""
    return "\n".join(_lines(result))


def _lines(result: Result, indent: str = "") -> Iterator[str]:
    for key, value in result.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _table(value)
        elif isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{key}: {_text(value)}"


def _table(records: list[Result]) -> list[str]:
    """The columns, one under the other; a record that has no such value has a dash there."""
    columns = list(dict.fromkeys(name for record in records for name in record))
    cells = [[_text(record.get(name)) for name in columns] for record in records]
    rows = [columns, *cells]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [_row(row, widths) for row in rows]


def _row(cells: list[str], widths: list[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def _text(value: object) -> str:
    """A tuple is a shape, a list an enumeration."""
    match value:
        case None | [] | ():
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case tuple():
            return "×".join(map(str, value))
        case list():
            return ", ".join(map(str, value))
    return str(value)
