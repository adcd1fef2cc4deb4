"""Real processes: started, watched, stopped, killed, resumed; and who may run when."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from resviz.errors import TrainingError
from resviz.training.config import TrainConfig
from resviz.training.launch import queue
from resviz.training.request import Request
from resviz.training.runs import lock, reader
from resviz.training.runs.reader import RunInfo
from resviz.training.schema import STOP
from tests.training.squares import CONFIG, MODEL, folder

ROOT = Path(__file__).parents[3]
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


def wait_for(told: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def the_process(run: str) -> int:
    """The id of the process that works on a run."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode().split("\0")
        except OSError:
            continue
        if words[-3:-1] == ["--run", run]:
            return int(path.parent.name)
    raise AssertionError(f"no process trains {run}")


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds processes in /proc")
def test_a_job_outlives_its_server_stops_resumes_and_shows_when_it_is_killed(request_, home):
    script = (
        "import sys, json; from resviz.training.launch import queue; from "
        "resviz.training.request import Request;"
        "print(*queue.start([Request.from_dict(json.loads(sys.argv[1]))], 'me')); "
        "sys.stdout.flush();"
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    server = subprocess.run(
        [sys.executable, "-c", script, json.dumps(request_.as_dict())],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert server.returncode == -signal.SIGKILL
    run = server.stdout.strip()
    record = reader.read(run)
    assert record.status == "running"  # from its first moment, before it has imported anything
    wait_for(lambda: record.info().step > 5)
    with pytest.raises(TrainingError, match="is running; stop it first"):
        queue.delete(run)
    with pytest.raises(TrainingError, match="is not over yet"):
        queue.start([request_], "me")
    os.kill(the_process(run), signal.SIGTERM)  # as when the machine shuts down
    wait_for(lambda: record.status == "stopped" and not lock.is_held(record.folder))
    before = record.info().step
    queue.resume(run)
    wait_for(lambda: record.info().step > before + 5)
    os.kill(the_process(run), signal.SIGKILL)
    wait_for(lambda: record.status == "crashed", 2)
    queue.delete(run)
    assert not record.folder.exists()
    for child in queue._children:
        child.wait(10)
    queue.admit()
    assert queue._children == []


def test_a_running_run_is_asked_to_stop(request_, no_process):
    (run,) = queue.start([request_])
    path = reader.runs_folder() / run
    held = lock.hold(path)
    queue._note(path, status="running")
    queue.stop(run)
    assert (path / STOP).exists()
    lock.release(held)


# ---- places


def info(name: str, status: str, group: str, place: float = 0.0) -> RunInfo:
    return RunInfo(name, "", "", status, 0, 0, None, "", "", group, place)


def test_a_race_waits_as_one_and_its_runs_know_each_other(request_, no_process):
    ids = queue.start([request_, request_, request_], "me")
    assert len(set(ids)) == 3
    assert [found.id for found in queue.queue()] == list(ids)
    assert len({found.group for found in reader.runs()}) == 1
    assert [path.name for path in no_process] == list(ids)[: queue.places()[1]]
    assert {found.status for found in reader.runs()} == {"queued"}
    assert {found.dataset for found in reader.runs()} == {request_.dataset}


def test_a_queued_run_leaves_the_queue_and_can_come_back(request_, no_process):
    (run,) = queue.start([request_])
    with pytest.raises(TrainingError, match="is queued; only a stopped"):
        queue.resume(run)
    queue.stop(run)
    assert reader.read(run).status == "stopped"
    with pytest.raises(TrainingError, match="is stopped; there is nothing to stop"):
        queue.stop(run)
    queue.resume(run)
    assert reader.read(run).status == "queued"
    queue.delete(run)
    assert reader.runs() == ()


def test_one_session_has_one_job_and_another_session_its_own(request_, no_process):
    queue.start([request_], "me")
    with pytest.raises(TrainingError, match="is not over yet; wait for it, or stop it first"):
        queue.start([request_], "me")
    queue.start([request_], "you")
    assert len(queue.queue()) == 2


def test_a_run_that_cannot_be_had_is_refused_before_it_is_queued(home):
    with pytest.raises(TrainingError, match="one of off, light, full"):
        Request(model="new/plain-8", dataset="digits", record="all")
    assert reader.runs() == ()


# ---- disks


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on nothing below the home can be opened for writing."""

    def lock_up() -> None:
        usual = os.open

        def refuse(path: object, flags: int, *more: int) -> int:
            if flags & (os.O_RDWR | os.O_WRONLY):
                raise OSError(errno.EROFS, "Read-only file system")
            return usual(path, flags, *more)

        monkeypatch.setattr(os, "open", refuse)
        monkeypatch.setattr(Path, "write_text", lambda *_, **__: refuse("", os.O_RDWR))

    return lock_up


def test_a_read_only_home_is_looked_at_and_whatever_writes_says_so(request_, no_process, read_only):
    (run,) = queue.start([request_])
    read_only()
    queue.admit()
    assert [info.status for info in queue.queue()] == ["queued"]
    for act in (
        lambda: queue.start([request_]),
        lambda: queue.stop(run),
        lambda: queue.delete(run),
        lambda: queue.resume(run),
    ):
        with pytest.raises(TrainingError, match=r"\(Read-only file system\); set RESVIZ_HOME"):
            act()


def test_a_disk_that_fills_up_is_a_sentence(request_, no_process, monkeypatch):
    def full(*_given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(queue, "write_config", full)
    with pytest.raises(TrainingError, match="left on device\\); make room on the disk"):
        queue.start([request_])
