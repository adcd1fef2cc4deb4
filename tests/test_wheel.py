"""`pip install .` is enough: the wheel, without the source tree, opens the app from any folder."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

ROOT = Path(__file__).parents[1]
BUILT_FROM = ("resviz", "pages", ".streamlit", "app.py", "setup.py", "pyproject.toml", "README.md")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, for setuptools leaves its own folders beside what it builds."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in (*BUILT_FROM, "LICENSE"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    command = [sys.executable, "-m", "pip", "wheel", *offline, "-w", out, source]
    subprocess.run(command, check=True, timeout=120)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel, and of ours the packages of others only."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    offline = ["--no-deps", "--no-index", "--quiet", "--no-compile"]
    install = [sys.executable, "-m", "pip", "--python", python, "install", *offline, wheel]
    subprocess.run(install, check=True, timeout=120)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "others.pth").write_text(sysconfig.get_path("purelib"))
    return folder


@pytest.fixture(scope="module")
def address(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of `resviz app`, started in an empty folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    command = [environment / "bin" / "resviz", "app", "--no-browser"]
    server = subprocess.Popen(
        [*command, "--address=127.0.0.1", f"--port={port}"],
        cwd=elsewhere,
        env={**os.environ, "HOME": str(elsewhere), "PYTHONPATH": ""},
        stdout=subprocess.DEVNULL,
    )
    yield f"127.0.0.1:{port}"
    server.terminate()
    server.wait(30)


def test_the_wheel_holds_the_pages_the_settings_and_nothing_of_the_workshop(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    pages = {f"resviz/app/pages/{path.name}" for path in (ROOT / "pages").glob("*.py")}
    assert {"resviz/app/app.py", "resviz/app/.streamlit/config.toml", *pages} <= set(names)
    assert [name for name in names if name.endswith(("app/setup.py", "ruff.toml"))] == []
    assert {name.split("/")[0].split("-")[0] for name in names} == {"resviz"}


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    files = [path for path in (ROOT / "resviz").rglob("*") if path.is_file()]
    ours = {str(path.relative_to(ROOT)) for path in files if path.suffix != ".pyc"}
    assert {name for name in ours - names if not name.endswith("ruff.toml")} == set()


def test_resviz_app_serves_the_first_page_with_our_settings(address: str) -> None:
    wait_for(f"http://{address}/_stcore/health")
    with urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
        assert b"<title>Streamlit</title>" in answer.read()
    heard = visit(address)
    elements = [message.delta.new_element for message in heard if message.HasField("delta")]
    assert [element.exception for element in elements if element.HasField("exception")] == []
    assert "Overview" in {element.heading.body for element in elements}
    assert len(elements) > 20  # the photo, the answers, a map of each block
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]
    assert heard[0].new_session.custom_theme.light.primary_color == theme["light"]["primaryColor"]


def wait_for(url: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"nobody answers at {url}")


def visit(address: str) -> list[ForwardMsg]:
    """What the server sends to a browser that opens the app, until the page is complete."""
    with connect(f"ws://{address}/_stcore/stream", max_size=None) as socket:
        opened = BackMsg()
        opened.rerun_script.query_string = ""
        socket.send(opened.SerializeToString())
        heard = [ForwardMsg.FromString(socket.recv(timeout=120))]
        while not heard[-1].HasField("script_finished"):
            heard.append(ForwardMsg.FromString(socket.recv(timeout=120)))
    return heard
