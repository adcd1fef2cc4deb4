"""What the tests of runs share."""

from pathlib import Path

import pytest


@pytest.fixture
def folder(home: Path) -> Path:
    """The folder of a run that is not written yet."""
    path = home / "runs" / "a"
    path.mkdir(parents=True)
    return path
