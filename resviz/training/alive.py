"""The sign of life of a training process: a lock on a file, which the system takes back when the process ends.

However it ends: kill -9 and a power cut included. A process hands the lock to the child that it starts, so that there
is no moment between the two in which the run looks dead.
"""

import fcntl
import os
import time
from pathlib import Path

from resviz.training.schema import LOCK


def hold(folder: Path, wait: float = 1.0) -> int | None:
    """Take the lock of a run's folder; returns its file descriptor, None where another process has it.

    Who asks `is_held` has a shared lock for a moment, so it is tried for `wait` seconds. Raises `OSError`.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    end = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(descriptor)
                return None
            time.sleep(0.01)


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
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
