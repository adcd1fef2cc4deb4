"""Files that are complete or absent: written beside, flushed to the disk, renamed at the end."""

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

PART = ".part"  # how the name of an unfinished file ends


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a place beside `path` for a file or a folder.

    It takes that name when the block ends well.

    A reader finds the old file or the whole new one, whatever kills the writer. If the block fails,
    what lies beside is removed. The folder must exist: that of a deleted run is not to come back.
    Raises `OSError`.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with atomic_write(folder / "notes.txt") as beside:
        ...     _ = beside.write_text("whole")
        >>> [path.name for path in folder.iterdir()]
        ['notes.txt']
    """
    # a name of its own for each writer: two processes may write the same file at once
    name = f".{path.name}.{os.getpid()}.{threading.get_ident()}{PART}"
    beside = path.with_name(name)
    try:
        yield beside
        _flush(beside)
        beside.replace(path)
    finally:
        with contextlib.suppress(OSError):
            _remove(beside)


def _flush(path: Path) -> None:
    """Wait for the disk: a rename may overtake the bytes when the power fails."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
