"""Where things are kept, on each platform and where somebody named a folder."""

import sys
from pathlib import Path

import pytest

from resviz import paths


def test_a_named_folder_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("RESVIZ_HOME", str(tmp_path))
    assert paths.home() == tmp_path
    monkeypatch.setenv("RESVIZ_HOME", "~/mine")
    assert paths.home() == Path.home() / "mine"


@pytest.mark.parametrize(
    ("platform", "variable", "folder"),
    [
        ("linux", "XDG_CACHE_HOME", "{named}/resviz"),
        ("win32", "LOCALAPPDATA", "{named}/resviz"),
        ("linux", None, "{home}/.cache/resviz"),
        ("win32", None, "{home}/AppData/Local/resviz"),
        ("darwin", None, "{home}/Library/Caches/resviz"),
    ],
)
def test_the_usual_folder_is_the_platforms_own(monkeypatch, tmp_path, platform, variable, folder):
    for name in ("RESVIZ_HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr(sys, "platform", platform)
    assert paths.home() == Path(folder.format(named=tmp_path, home=Path.home()))


def test_the_bundled_weights_are_in_the_package():
    assert list(paths.BUNDLED.glob("*.safetensors"))
