"""The first text of a fresh server: our app against a page that says hello."""

import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.measure import CONTROL, Result
from tests.browser import chromium
from tests.browser.conftest import FLAGS

ROOT = Path(__file__).parents[1]
HELLO = 'import streamlit as st\nst.title("Hello")\n'
EAGER = "import torch, torchvision, captum, plotly.express, streamlit as st\nst.title('Hello')\n"
ROUNDS = 5
FIRST_PICTURE = 12.0  # seconds, of which torch takes half


def run() -> list[Result]:
    """1.0 = seconds from the first request to a visible heading of a page without any import."""
    path = chromium.find()
    if path is None:
        return [Result("first text", None, 1.15)]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        hello, eager = Path(folder) / "hello.py", Path(folder) / "eager.py"
        hello.write_text(HELLO)
        eager.write_text(EAGER)
        scripts = {
            "hello": hello,
            "again": hello,
            "resviz": ROOT / "app.py",
            "all imports at the top": eager,
        }
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        times = _times(browser, scripts)
        cold = statistics.median(_first_picture(browser) for _ in range(ROUNDS))
        browser.close()
    ratio = {
        name: statistics.median(t / h for t, h in zip(times[name], times["hello"], strict=True))
        for name in times
    }
    picture = Result("cold start to the first picture", cold, FIRST_PICTURE, "s")
    fair = CONTROL[0] <= ratio["again"] <= CONTROL[1]
    peers = {"all imports at the top": ratio["all imports at the top"]}
    first = Result("first text", ratio["resviz"] if fair else None, 1.15, peers=peers)
    return [first, picture]


def _times(browser: Browser, scripts: dict[str, Path]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in scripts}
    order = list(scripts)
    for seed in range(ROUNDS):
        random.Random(seed).shuffle(order)
        for name in order:
            times[name].append(_first_text(browser, scripts[name]))
    return times


def _first_text(browser: Browser, script: Path) -> float:
    """Seconds from the first visitor's request to the heading."""
    return _seconds(browser, script, "h1", from_start=False)


def _first_picture(browser: Browser) -> float:
    """Seconds from the start of the server to the first picture that a network made."""
    return _seconds(browser, ROOT / "app.py", ".stack img.heat", from_start=True)


def _seconds(browser: Browser, script: Path, sign: str, *, from_start: bool) -> float:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(script),
        *flags,
        "--server.fileWatcherType=none",
    ]
    started = time.perf_counter()
    server = subprocess.Popen(
        command, cwd=ROOT, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        page = browser.new_page()
        asked = time.perf_counter()
        page.goto(f"http://127.0.0.1:{port}/")
        page.locator(sign).first.wait_for()
        seconds = time.perf_counter() - (started if from_start else asked)
        page.close()
        return seconds
    finally:
        server.terminate()
        server.wait()


def wait_for(url: str) -> None:
    """Wait until a server answers."""
    for _ in range(600):
        with suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"no server at {url}")
