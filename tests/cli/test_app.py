"""`resviz app` starts Streamlit on the app's own file, with the settings that were asked for."""

import os
import sys

import pytest

from resviz import cli
from resviz.cli import app


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have replaced this process."""
    commands: list[list[str]] = []

    def replace(program: str, command: list[str]) -> None:
        assert program == command[0] == sys.executable
        commands.append(command)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", replace)
    return commands


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the server is a process beside this one")
@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ([], []),
        (["--port", "8600"], ["--server.port=8600"]),
        (["--name", "class.example"], ["--browser.serverAddress=class.example"]),
        (
            ["--address", "127.0.0.1", "--no-browser"],
            ["--server.address=127.0.0.1", "--server.headless=true"],
        ),
    ],
)
def test_the_settings_are_streamlits(
    started: list[list[str]], options: list[str], settings: list[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["app", *options])
    ((_, *command),) = started
    assert command[:3] == ["-m", "streamlit", "run"]
    assert command[3] == str(app.CHECKOUT)
    assert command[4:] == settings


def test_a_port_is_refused_before_anything_starts(
    started: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["app", "--port", "70000"]) == 2
    assert "from 1 to 65535, got 70000" in capsys.readouterr().err
    assert started == []
