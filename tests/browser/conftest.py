"""A real server and a real browser for the tests in this folder.

    def test_home_names_the_app(page, server, shot):
        page.goto(server.url)
        settle(page)                # `settle` is a fixture too
        expect(page.get_by_role("heading", name="resviz")).to_be_visible()
        shot(page, "home")          # tests/artefacts/home.png

The browser resolves no name but this machine's, and a test whose page asked another host for
anything fails.
"""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser import chromium

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ARTEFACTS = ROOT / "tests" / "artefacts"
LOCAL_HOSTS = {"127.0.0.1", "localhost"}
LOCAL_SCHEMES = {"data", "blob", "about"}
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and run them last: Playwright keeps an event loop running."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
    items.sort(
        key=lambda item: HERE in item.path.parents
    )  # a stable sort: the order is else as it was


class Server:
    """`streamlit run app.py` on a free port; `stop` and `start` keep port and data folder."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.home = home
        self.log = folder / "server.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, patience: float = 60) -> None:
        options = {
            "headless": "true",
            "address": "127.0.0.1",
            "port": self.port,
            "fileWatcherType": "none",
        }
        flags = [
            part for name, value in options.items() for part in (f"--server.{name}", str(value))
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", *flags],
                cwd=ROOT,
                env={**os.environ, "RESVIZ_HOME": str(self.home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + patience
        while not self._healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"no server within {patience:g} s:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End this one process; the training runs that it started go on, as for any user."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, session_home: Path) -> Iterator[Server]:
    """One server for all tests that only look."""
    server = Server(tmp_path_factory.mktemp("server"), session_home)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that train or start it anew: others do not meet their runs."""
    server = Server(tmp_path_factory.mktemp("workshop"), tmp_path_factory.mktemp("workshop-home"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def training_server(workshop: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server for tests that train or start it anew; its runs are this process's runs too."""
    monkeypatch.setenv("RESVIZ_HOME", str(workshop.home))
    return workshop


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    if path is None:
        refuse = pytest.fail if os.environ.get("RESVIZ_REQUIRE_BROWSER") else pytest.skip
        refuse("no Chromium found: `make test` installs one, or set RESVIZ_CHROMIUM to its path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Traffic:
    """Every address the page asked for, and what it complained about."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def foreign(self) -> list[str]:
        return [url for url in self.requests if not _is_local(url)]


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in LOCAL_SCHEMES or parts.hostname in LOCAL_HOSTS


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One cache for all visitors: whoever has the app's scripts already is there sooner."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    yield context
    context.close()


@pytest.fixture
def page(
    context: BrowserContext, traffic: Traffic, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """A new visitor at 1440 x 900, without cookies or storage; `traffic` has its requests."""
    context.on("page", traffic.watch)
    page = context.new_page()
    yield page
    if request.node.stash.get(FAILED, False):
        _save(page, "failed-" + re.sub(r"\W+", "-", request.node.name))
        print("console errors:", *traffic.errors, sep="\n  ")
    _forget(context, page)
    context.remove_listener("page", traffic.watch)
    assert not traffic.foreign(), f"the page asked other machines: {traffic.foreign()}"


def _forget(context: BrowserContext, page: Page) -> None:
    """Take away all that a visitor leaves but the files of the app, and close what is open."""
    if page.url.startswith("http"):
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
        told = {
            "origin": origin,
            "storageTypes": "local_storage,indexeddb,service_workers,cache_storage",
        }
        context.new_cdp_session(page).send("Storage.clearDataForOrigin", told)
    context.clear_cookies()
    for opened in context.pages:
        opened.close()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def settle() -> Callable[[Page], None]:
    """Wait until the script of the page has run to its end and nothing on it is stale."""

    def settle(page: Page, timeout: float = 60_000) -> None:
        page.wait_for_selector(
            "[data-testid=stApp][data-test-script-state=notRunning]", timeout=timeout
        )
        page.wait_for_selector(
            "[data-testid=stApp] [data-stale=true]", state="detached", timeout=timeout
        )

    return settle


@pytest.fixture
def shot() -> Callable[[Page, str], Path]:
    """Save the whole page by `shot(page, name)`, below the fold too, in tests/artefacts."""
    return _save


def _save(page: Page, name: str) -> Path:
    # Streamlit scrolls an element inside the window, so the window has to grow to show all of it
    inner = page.evaluate("document.querySelector('[data-testid=stMain]')?.scrollHeight ?? 0")
    size = page.viewport_size or {"width": 1440, "height": 900}
    path = ARTEFACTS / f"{name}.png"
    page.set_viewport_size({"width": size["width"], "height": max(size["height"], inner)})
    page.screenshot(
        path=path, full_page=True, animations="disabled"
    )  # makes the folder where it is missing
    page.set_viewport_size(size)
    return path
