"""Runs of the Training page: none starts a process, one is finished."""

from pathlib import Path

import pytest

from resviz.training.launch import queue, start
from resviz.training.launch.start import start_run
from tests.training.squares import CONFIG, CPU, MODEL, folder


@pytest.fixture(autouse=True)
def launched(monkeypatch: pytest.MonkeyPatch, home: Path) -> list[Path]:
    """No process is started; who would have been is kept."""
    found: list[Path] = []
    monkeypatch.setattr(
        queue, "_launch", lambda path: found.append(path) if path not in found else None
    )
    monkeypatch.setattr(start, "best", lambda: CPU)
    return found


@pytest.fixture
def finished(tmp_path: Path) -> str:
    made, events = start_run(MODEL, folder(tmp_path / "squares"), CONFIG)
    list(events)
    return made.name
