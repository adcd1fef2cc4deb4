"""What every test gets: one thread, so that numbers repeat, and a data folder of its own."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

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


@pytest.fixture
def photo(tmp_path: Path) -> str:
    """A picture file."""
    from resviz.data import samples

    path = tmp_path / "dog.jpg"
    path.write_bytes(samples.read("dog"))
    return str(path)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run a command with --json; its object, after a look at what else was printed."""

    def run(*arguments: str) -> dict[str, Any]:
        assert _command([*arguments, "--json"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert out.endswith("\n")
        assert out.count("\n") == 1
        answer: dict[str, Any] = json.loads(
            out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON")
        )
        return answer

    return run


@pytest.fixture
def refuse(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that is refused; its one line without the prefix."""

    def run(*arguments: str) -> str:
        assert _command([*arguments]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("resviz: ")
        assert err.endswith("\n")
        assert err.count("\n") == 1
        return err.removeprefix("resviz: ").rstrip("\n")

    return run


@pytest.fixture
def read(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command without --json; its text."""

    def run(*arguments: str) -> str:
        assert _command([*arguments]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


def _command(arguments: Sequence[str]) -> int:
    """Run one command; imported late, for most tests need none."""
    from resviz import cli

    return cli.main(arguments)
