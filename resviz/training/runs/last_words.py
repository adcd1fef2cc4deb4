"""Why a run ended, where its database cannot take that any more: the disk is full, for example.

The place is kept free from the start: to write over what is there needs no room on the disk.
"""

import json
import os
from pathlib import Path

from resviz.errors import Sentence
from resviz.training.schema import LAST_WORDS
from resviz.training.strict import parsed

SIZE = 4096  # bytes: a block of most disks


def reserve(folder: Path) -> None:
    """Keep the place free. Raises `OSError`."""
    (folder / LAST_WORDS).write_bytes(b" " * SIZE)


def write(folder: Path, status: str, message: Sentence) -> None:
    """Write status and message into the place. Raises `OSError`, where there is none as well."""
    text = json.dumps({"status": status, "message": message.as_plain()}).encode()
    # a message that is too long is no JSON when it is cut
    if len(text) > SIZE:
        short = Sentence("{message} …", message=str(message)[:400])
        text = json.dumps({"status": status, "message": short.as_plain()}).encode()
    with (folder / LAST_WORDS).open("r+b") as file:
        file.write(text.ljust(SIZE))
        file.flush()
        os.fsync(file.fileno())


def read(folder: Path) -> tuple[str, Sentence] | None:
    """Status and message; None where nothing was written."""
    try:
        values = parsed((folder / LAST_WORDS).read_text().strip())
        status, message = values["status"], Sentence.from_plain(values["message"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (status, message) if status in ("stopped", "crashed") else None


def clear(folder: Path) -> None:
    """Give the place up: the end is written where it belongs."""
    (folder / LAST_WORDS).unlink(missing_ok=True)
