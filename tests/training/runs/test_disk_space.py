"""A full disk or quota is refused beforehand; what a run will take is about what it takes."""

from pathlib import Path

import pytest

from resviz.errors import TrainingError
from resviz.training.config import TrainConfig
from resviz.training.launch import queue
from resviz.training.request import Request
from resviz.training.runs import disk_space, reader
from tests.training.squares import CONFIG, MODEL, folder

LONG = TrainConfig(**{**CONFIG.as_dict(), "epochs": 10_000})


@pytest.fixture
def request_(home: Path, tmp_path: Path) -> Request:
    return Request(model=MODEL, dataset=folder(tmp_path / "squares"), config=LONG, threads=1)


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Places are given away, but nobody takes them."""
    launched: list[Path] = []
    monkeypatch.setattr(queue, "_launch", launched.append)
    return launched


def test_a_full_disk_or_a_full_quota_is_refused_before_the_start(request_, no_process, monkeypatch):
    monkeypatch.setenv("RESVIZ_QUOTA", "1000")
    with pytest.raises(TrainingError, match=r"The runs take 0 MB of 0 MB, .* delete some"):
        queue.start([request_])
    monkeypatch.delenv("RESVIZ_QUOTA")
    usage = type("Usage", (), {"free": 150_000_000})
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(TrainingError, match="The disk has 150 MB left"):
        queue.start([request_])
    assert reader.runs() == ()


def test_a_run_takes_about_what_was_foretold(request_, home):
    from resviz.training.launch.start import start_run

    config = TrainConfig(**{**CONFIG.as_dict(), "epochs": 1})
    run, events = start_run("new/residual-20?classes=2", request_.dataset, config, record="full")
    list(events)
    taken = sum(path.stat().st_size for path in run.folder.iterdir())
    foretold = disk_space.bytes_of(
        Request(model="new/residual-20?classes=2", dataset="", config=config)
    )
    assert 0.4 * foretold < taken < 1.5 * foretold
