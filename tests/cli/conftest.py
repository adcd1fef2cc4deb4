"""What the tests of commands share besides the ways to run one."""

from pathlib import Path

import pytest

from tests.training.squares import folder


@pytest.fixture
def squares(tmp_path: Path) -> str:
    """A dataset of red and green squares."""
    return folder(tmp_path / "squares", train=8, test=3)
