"""The sign of life of a training process: a file lock, which the system takes back at its end.

However it ends: kill -9 and a power cut included. A process hands the lock to the child that it
starts, so that there is no moment between the two in which the run looks dead. Windows has no such
locks: there nothing is started in the background, but a training in the foreground shows as alive.
"""

import os
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType

from resviz.errors import TrainingError
from resviz.training.schema import LOCK


def _module(name: str) -> ModuleType | None:
    try:
        return import_module(name)
    except ImportError:
        return None


_fcntl, _msvcrt = _module("fcntl"), _module("msvcrt")
# whether a child can be handed a lock; on Windows it cannot, and nothing starts in the background
INHERITED = _fcntl is not None


def take(descriptor: int, shared: bool = False, wait: bool = False) -> None:
    """Lock an open file until it is closed.

    On Windows the lock is that of the file's first byte, and never shared. Raises `BlockingIOError`
    or `PermissionError` where another process has it.
    """
    if _fcntl:
        kind = _fcntl.LOCK_SH if shared else _fcntl.LOCK_EX
        _fcntl.flock(descriptor, kind if wait else kind | _fcntl.LOCK_NB)
    elif _msvcrt:
        os.lseek(descriptor, 0, os.SEEK_SET)
        while True:
            try:
                _msvcrt.locking(descriptor, _msvcrt.LK_NBLCK, 1)
                return
            except PermissionError:
                if not wait:
                    raise
            time.sleep(0.01)


def hold(folder: Path, wait: float = 1.0) -> int | None:
    """Take the lock of a run's folder; return its descriptor, None where another process has it.

    Who asks `is_held` has a shared lock for a moment, so it is tried for `wait` seconds. Raises
    `OSError`.
    """
    # the file stays when the lock goes: removing it could hit the next who locks it
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    end = time.monotonic() + wait
    while True:
        try:
            take(descriptor)
            return descriptor
        except (BlockingIOError, PermissionError):
            if time.monotonic() > end:
                os.close(descriptor)
                return None
            # whoever asks `is_held` has it for a moment only
            time.sleep(0.01)


def take_run(folder: Path) -> int:
    """Take the lock of a run's folder; raises `TrainingError` where that cannot be done."""
    try:
        held = hold(folder)
    except OSError as reason:
        raise TrainingError(
            "{folder} cannot be written ({reason}); choose another --out.",
            folder=folder,
            reason=reason.strerror,
        ) from None
    if held is None:
        raise TrainingError(
            "Another process is at work on {name}; wait for it, or stop it first.", name=folder.name
        )
    return held


def release(descriptor: int) -> None:
    """Give the lock back; where a child has inherited it, the child keeps it."""
    os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Whether a process is at work on the run."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        take(descriptor, shared=True)
    except (BlockingIOError, PermissionError):
        return True
    finally:
        os.close(descriptor)
    return False
