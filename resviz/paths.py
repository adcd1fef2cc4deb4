"""Where resviz keeps what it downloads and trains, and where its bundled weights lie."""

import os
import sys
from pathlib import Path

BUNDLED = Path(__file__).parent / "data" / "assets" / "models"


def home() -> Path:
    """`$RESVIZ_HOME`, else the folder of this platform for things that can be had again."""
    named = os.environ.get("RESVIZ_HOME")
    return Path(named).expanduser() if named else _cache() / "resviz"


def _cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
