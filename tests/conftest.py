"""What every test gets: one thread, so that numbers repeat, and a data folder that is not the developer's."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["OMP_NUM_THREADS"] = (
    "1"  # read once, when torch is first imported, here or in a child process
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Undo what an earlier test chose; a test without torch does not import it for this."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu"):
        import torch

        if not (torch.cuda.is_available() or torch.backends.mps.is_available()):
            pytest.skip("needs a GPU")


@pytest.fixture(scope="session", autouse=True)
def session_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`RESVIZ_HOME` (downloads, training runs), shared by the tests of one session."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("resviz-home")
        patch.setenv("RESVIZ_HOME", str(folder))
        yield folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty `RESVIZ_HOME` for one test alone."""
    folder = tmp_path / "resviz-home"
    folder.mkdir()
    monkeypatch.setenv("RESVIZ_HOME", str(folder))
    return folder
