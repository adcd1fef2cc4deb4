"""Nothing is known to the server, or to its disk, when a test begins."""

import pytest

from resviz.ui.gradient_flow import sweep


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch, tmp_path):
    monkeypatch.setenv("RESVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sweep, "_measurements", sweep.BoundedCache(64))
