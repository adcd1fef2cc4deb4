"""A class at once: 10, 30 and 60 visitors ask a server for a view over the websocket it speaks."""

import asyncio
import itertools
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.measure import Result
from benchmarks.start import ROOT, wait_for

CLASSES = (10, 30, 60)
GOALS = {30: (1.0, 2.5)}  # seconds, median and 95th percentile; the others are for comparison
VIEWS = 200  # of one server, after which its memory is read
GROWTH = 1.5  # times the memory after the first 40 views
LAYERS = ("layer1.0", "layer2.0", "layer3.0", "layer4.0")
SAMPLES = ("church", "dog", "cat")
PAGES = ("feature_maps", "attribution", "overview")


def run() -> list[Result]:
    """Seconds from asking for a page to its last element, all visitors asking within a second."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        server = _serve(port, home)
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            return asyncio.run(_measure(port, server.pid))
        finally:
            server.terminate()
            server.wait()


async def _measure(port: int, pid: int) -> list[Result]:
    results = []
    await _tour(port)  # what is computed once is computed now
    for visitors in CLASSES:
        seconds = sorted(await _class_of(visitors, port, rounds=2))
        median, late = statistics.median(seconds), seconds[int(0.95 * len(seconds))]
        goals = GOALS.get(visitors, (float("inf"), float("inf")))
        results.append(Result(f"{visitors} visitors at once, median", median, goals[0], "s"))
        results.append(Result(f"{visitors} visitors at once, 95 of 100", late, goals[1], "s"))
    return [*results, await _memory(port, pid)]


async def _memory(port: int, pid: int) -> Result:
    """How much more memory the server has after many views than after the first of them."""
    await _class_of(2, port, rounds=20, pause=0)
    first = _resident(pid)
    await _class_of(2, port, rounds=VIEWS // 2, pause=0)
    return Result(f"memory after {VIEWS} views, over that after 40", _resident(pid) / first, GROWTH)


async def _tour(port: int) -> None:
    """One visitor who looks at all that is asked for later."""
    async with _connect(port) as server:
        pages = await _ask(server, "", "")
        for page, layer, sample in itertools.product(PAGES, LAYERS, SAMPLES):
            await _ask(server, pages[page], f"layer={layer}&sample={sample}")


async def _class_of(visitors: int, port: int, rounds: int, pause: float = 1) -> list[float]:
    """Seconds of each view of each visitor."""
    taken = await asyncio.gather(*(_visit(port, rounds, pause, seed) for seed in range(visitors)))
    return [seconds for views in taken for seconds in views]


async def _visit(port: int, rounds: int, pause: float, seed: int) -> list[float]:
    """One visitor: opens the app, then asks for views with a breath between them."""
    choose = random.Random(seed)
    seconds = []
    async with _connect(port) as server:
        pages = await _ask(server, "", "")
        for _ in range(rounds):
            await asyncio.sleep(pause * choose.random())
            page, layer, sample = map(choose.choice, (PAGES, LAYERS, SAMPLES))
            start = time.perf_counter()
            await _ask(server, pages[page], f"layer={layer}&sample={sample}")
            seconds.append(time.perf_counter() - start)
    return seconds


def _connect(port: int) -> connect:
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    return connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None)


async def _ask(server: ClientConnection, page: str, query: str) -> dict[str, str]:
    """Ask for a page, wait for the last of it; returns the pages with the hashes they go by."""
    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.page_script_hash = page
    await server.send(message.SerializeToString())
    pages: dict[str, str] = {}
    async for data in server:
        answer = ForwardMsg()
        answer.ParseFromString(data if isinstance(data, bytes) else data.encode())
        kind = answer.WhichOneof("type")
        if kind == "navigation":
            found = answer.navigation.app_pages
            pages = {each.url_pathname: each.page_script_hash for each in found}
        if kind == "script_finished" and answer.script_finished in (
            ForwardMsg.FINISHED_SUCCESSFULLY,
            ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
        ):
            break
    return pages


def _resident(pid: int) -> int:
    """Bytes of memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _serve(port: int, home: str) -> "subprocess.Popen[bytes]":
    flags = ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"]
    command: Sequence[str] = [sys.executable, "-m", "streamlit", "run", "app.py", *flags]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "RESVIZ_HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        for result in run():
            print(result.what, result.ours, result.verdict, flush=True)
