"""Locks as signs of life, with the system's own module, with that of Windows, and with none."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from resviz.training.runs import lock
from tests.training.squares import MODEL

ROOT = Path(__file__).parents[3]
WINDOWS = """
    import fcntl as real, subprocess, sys, types  # which takes a system with msvcrt for Windows
    windows = types.ModuleType("msvcrt")
    windows.LK_NBLCK = 2
    def locking(descriptor, mode, count):
        assert (mode, count) == (2, 1)
        try:
            real.flock(descriptor, real.LOCK_EX | real.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(13, "Permission denied") from None
    windows.locking = locking
    sys.modules["msvcrt"] = windows
"""
REFUSED = f"""
    from resviz.errors import TrainingError
    from resviz.training.launch import queue
    from resviz.training.runs import lock
    from resviz.training.request import Request
    queue.admit()
    try:
        queue.start([Request(model="{MODEL}", dataset="digits")])
    except TrainingError as refusal:
        print(refusal)
    assert queue.queue() == ()
"""


def ran(home: Path, *parts: str) -> str:
    """What a process without `fcntl` prints."""
    hidden = "import sys; sys.modules['fcntl'] = None"
    script = "\n".join(map(textwrap.dedent, (*parts[:-1], hidden, parts[-1])))
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "RESVIZ_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_lock_is_held_until_it_is_released(tmp_path):
    assert not lock.is_held(tmp_path)
    held = lock.hold(tmp_path)
    assert lock.is_held(tmp_path)
    assert lock.hold(tmp_path, wait=0.02) is None
    lock.release(held)
    assert not lock.is_held(tmp_path)


@pytest.mark.parametrize("before", [WINDOWS, ""])
def test_without_fcntl_nothing_starts_in_the_background_and_a_sentence_says_so(home, before):
    assert ran(home, before, REFUSED).startswith("Training in the background needs Linux or macOS;")


def test_on_windows_a_lock_is_held_until_it_is_released(tmp_path):
    script = f"""
        from pathlib import Path
        from resviz.training.runs import lock
        folder = Path({str(tmp_path)!r})
        held = lock.hold(folder)
        print(lock.is_held(folder), lock.hold(folder, wait=0.02))
        lock.release(held)
        print(lock.is_held(folder))
    """
    assert ran(tmp_path, WINDOWS, script).split() == ["True", "None", "False"]
