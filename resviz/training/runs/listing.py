"""The list of runs, read again only where a file has changed: everybody who watches asks for it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from resviz.errors import Sentence, TrainingError
from resviz.training.runs import lock
from resviz.training.schema import CONFIG, FILE

GOING_ON = ("queued", "running")

# Seconds. A file that was changed just now may change again within the grain of its clock, and a
# run that is being made has not all its files yet.
YOUNG = 2.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A line of the list of runs."""

    id: str
    model: str
    dataset: str
    status: str  # one of `schema.STATUSES`
    step: int  # steps that are recorded
    steps: int  # in all; 0 before the data are loaded
    started: float | None  # seconds since 1970; None before the start
    message: Sentence  # why it ended
    session: str  # who asked for it
    group: str  # the runs of one race share it
    place: float  # its place in the queue: the smaller, the sooner
    # seconds since 1970: a resume changes its place in the queue, but not in the list
    created: float = 0.0


@dataclass(frozen=True, slots=True)
class _Signature:
    """What changes whenever a run's line in the list may change."""

    files: tuple[tuple[int, int], ...]  # time of the last change, bytes
    is_locked: bool

    @property
    def is_young(self) -> bool:
        newest = max((changed for changed, _size in self.files), default=0)
        return time.time() - newest / 1e9 < YOUNG


_known: dict[Path, tuple[_Signature, Any]] = {}


def listed(runs: Path, read: Callable[[Path], T]) -> dict[str, T | TrainingError]:
    """Read every run of a folder, by its id; a refusal stands for one that cannot be read."""
    entries: dict[str, T | TrainingError] = {}
    # a name with a dot in front is a run that is being copied
    folders = [path.parent for path in runs.glob(f"[!.]*/{FILE}")]
    for folder in folders:
        signature = _signature(folder)
        known = _known.get(folder)
        if known and known[0] == signature:
            entry = known[1]
        else:
            entry = _read(folder, read)
            _remember(folder, signature, entry)
        if not isinstance(entry, TrainingError) or not signature.is_young:
            entries[folder.name] = entry
    # a run of that name may be made again
    for folder in _known.keys() - set(folders):
        _known.pop(folder, None)
    return entries


def _read(folder: Path, read: Callable[[Path], T]) -> T | TrainingError:
    try:
        return read(folder)
    except TrainingError as refusal:
        return refusal


def _remember(folder: Path, signature: _Signature, entry: object) -> None:
    if signature.is_young:
        _known.pop(folder, None)
    else:
        _known[folder] = (signature, entry)


def _signature(folder: Path) -> _Signature:
    files = []
    for name in (FILE, f"{FILE}-wal", CONFIG):
        try:
            status = (folder / name).stat()
        except OSError:
            files.append((0, -1))
        else:
            files.append((status.st_mtime_ns, status.st_size))
    return _Signature(tuple(files), lock.is_held(folder))
