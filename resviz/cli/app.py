"""Open the app in a browser, from any folder."""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from resviz.cli.output import Result
from resviz.cli.parsing import add, whole
from resviz.errors import ResvizError

PACKAGE = Path(__file__).parents[1]
INSTALLED, CHECKOUT = PACKAGE / "app" / "app.py", PACKAGE.parent / "app.py"

# Streamlit refuses WebSockets whose Origin is neither this name nor the address of the machine.
NAME = "the name in browsers' addresses, where it is no IP address of this machine"


def app(options: argparse.Namespace) -> Result:
    """Open the app in a browser."""
    command = [sys.executable, "-m", "streamlit", "run", str(script()), *settings(options)]
    if os.name == "posix":
        # In place of this process: who stops it stops the server, and no parent is left waiting.
        os.execv(command[0], command)
    raise SystemExit(subprocess.call(command))


def script() -> Path:
    """The app's file: inside the installed package, or at the top of the repository."""
    if INSTALLED.exists():
        return INSTALLED
    if not CHECKOUT.exists():
        raise ResvizError("The app's pages are missing; install resviz again.")
    return CHECKOUT


def settings(options: argparse.Namespace) -> list[str]:
    """Streamlit's own options, which win over its configuration files."""
    chosen = {
        "server.address": options.address,
        "server.port": options.port,
        "browser.serverAddress": options.name,
        "server.headless": "true" if options.no_browser else None,
    }
    return [f"--{name}={value}" for name, value in chosen.items() if value is not None]


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    command = add(commands, app)
    command.add_argument("--address", metavar="A", help="the address to listen on (default: all)")
    command.add_argument("--port", type=whole(1, 65535), metavar="N", help="default: 8501")
    command.add_argument("--name", metavar="HOST", help=NAME)
    command.add_argument("--no-browser", action="store_true", help="only serve: open no browser")
