"""Find a Chromium for the browser tests: `find()` looks, the module as a command installs one.

The path goes to standard output, everything else to standard error, so that a shell can capture it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
APT = ["apt-get", "-q", "-o", "Dpkg::Use-Pty=0"]


def find() -> str | None:
    """Find a Chromium that starts: `RESVIZ_CHROMIUM`, an installed one, Playwright's own."""
    return next((path for path in _candidates() if _starts(path)), None)


def ensure() -> str | None:
    """Find one, or else download Playwright's Chromium or install Debian's package."""
    return find() or _install_playwrights() or _install_debians()


def _candidates() -> Iterator[str]:
    if chosen := os.environ.get("RESVIZ_CHROMIUM"):
        yield chosen
    yield from filter(None, map(shutil.which, NAMES))
    yield MAC
    yield _playwrights_path()


def _playwrights_path() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def _starts(path: str) -> bool:
    """A browser whose shared libraries are missing is as good as none."""
    if not Path(path).is_file():
        return False
    return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0


def _install_playwrights() -> str | None:
    _say("no Chromium here: downloading Playwright's (about 300 MB)")
    _run([sys.executable, "-m", "playwright", "install", "chromium"])
    return find()


def _install_debians() -> str | None:
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return None
    _say("installing Debian's Chromium and a Chinese font, which takes a few minutes")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    if _run([*APT, "update"]):
        _run([*APT, "install", "-y", "--no-install-recommends", "chromium", "fonts-wqy-microhei"])
    return find()


def _run(command: list[str]) -> bool:
    _say(" ".join(command))
    return subprocess.run(command, stdout=sys.stderr).returncode == 0


def _say(line: str) -> None:
    print(f"tests/browser: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    if path := ensure():
        _say(f"using {path}")
        print(path)
    else:
        sys.exit(
            "tests/browser: no Chromium found or installed; "
            "install one, or point RESVIZ_CHROMIUM to it"
        )
