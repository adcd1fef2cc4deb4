"""Training in processes of their own, which survive the page, the browser and the server.

A run waits in its folder with the status `queued` until there is a place; places are given away
under one lock, first come first served, by whoever starts, watches or ends a run. Nothing here
imports torch.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from resviz.errors import Sentence, TrainingError
from resviz.training.launch.cost import environment
from resviz.training.launch.places import next_runs, places, waiting
from resviz.training.request import Request
from resviz.training.runs import lock, reader
from resviz.training.runs.disk_space import check_disk_space, way_out
from resviz.training.runs.naming import new_folder, write_config
from resviz.training.runs.reader import RunInfo, RunReader
from resviz.training.runs.writer import RunWriter
from resviz.training.schema import STOP

LOCK_VARIABLE = "RESVIZ_LOCK"
OUTPUT = "output.txt"
_children: list[subprocess.Popen[bytes]] = []  # asked now and then, so that none stays a zombie


def start(requests: Sequence[Request], session: str = "") -> tuple[str, ...]:
    """Queue runs, several of them as one race, and start what has a place; return their ids.

    Raises `TrainingError` where the session has a run going on already, or the disk has no room.
    """
    _check_system()
    with _queue_locked():
        _check_session(session)
        check_disk_space(requests)
        # the runs of one race go on as one, and are shown together
        group = f"{time.time():.6f}"
        ids = tuple(_prepare(request, session, group) for request in requests)
        _give_places()
    return ids


def resume(run_id: str, session: str = "") -> None:
    """Queue a stopped or crashed run again; it goes on from its last checkpoint."""
    resume_race([run_id], session)


def resume_race(run_ids: Sequence[str], session: str = "") -> None:
    """Queue stopped or crashed runs again, in this order; those of one race go on as one."""
    runs = [reader.read(run_id) for run_id in run_ids]
    _check_system()
    with _queue_locked():
        for run in runs:
            _check_resumable(run, session)
        check_disk_space([])
        for run in runs:
            _note(run.folder, status="queued", message="", queued=time.time(), session=session)
        _give_places()


def stop(run_id: str, wish: str = "stop") -> None:
    """Ask a run to stop after its next step; it saves where it stands. A queued run leaves at once.

    `wish`: what `RunReader.wish` says then; `pause` is a stop by somebody who means to go on.
    """
    run = reader.read(run_id)
    with _queue_locked():
        status = run.status
        if status not in reader.GOING_ON:
            raise TrainingError(
                "{run} is {status}; there is nothing to stop.", run=run_id, status=status
            )
        with _writing(run.folder):
            (run.folder / STOP).write_text(wish)
        if status == "queued":
            _note(run.folder, status="stopped", message="")


def delete(run_id: str) -> None:
    """Delete a run's folder with all that it learnt; raises `TrainingError` while it runs."""
    run = reader.read(run_id)
    with _queue_locked():
        with _writing(run.folder):
            # who holds the lock is at work; nothing is deleted under its hands
            held = lock.hold(run.folder, wait=0.2)
        if held is None:
            raise TrainingError("{run} is running; stop it first.", run=run_id)
        try:
            shutil.rmtree(run.folder)
        except OSError as reason:
            raise TrainingError(
                "{folder} cannot be deleted ({reason}); check who owns it.",
                folder=run.folder,
                reason=reason.strerror,
            ) from None
        finally:
            lock.release(held)


def admit() -> None:
    """Start what waits and has a place by now; cheap where nothing waits.

    Where nothing can be written the runs wait on: whoever only looks at them cannot help it.
    """
    # nobody waits for them: a process that has ended stays a zombie until it is asked
    for child in [*_children]:
        if child.poll() is not None:
            _children.remove(child)
    if any(info.status == "queued" for info in reader.runs()):
        with suppress(TrainingError), _queue_locked():
            _give_places()


def queue() -> tuple[RunInfo, ...]:
    """The runs that wait, the next one first."""
    return tuple(waiting(reader.runs()))


def _check_system() -> None:
    if not lock.INHERITED:
        raise TrainingError(
            "Training in the background needs Linux or macOS; "
            "here `python -m resviz train` trains in the foreground."
        )


def _check_resumable(run: RunReader, session: str) -> None:
    info = run.info()
    if info.status not in ("stopped", "crashed"):
        raise TrainingError(
            "{run} is {status}; only a stopped or crashed run can be resumed.",
            run=run.id,
            status=info.status,
        )
    _check_session(session, info.group)


def _check_session(session: str, group: str = "") -> None:
    """Refuse a second run, or race, of one visitor; a run may join its own race."""
    for info in reader.runs() if session else ():
        is_own = info.session == session and info.status in reader.GOING_ON
        if is_own and not (group and info.group == group):
            raise TrainingError(
                "Your run {run} is not over yet; wait for it, or stop it first.",
                run=info.model.removeprefix("new/"),
            )


def _prepare(request: Request, session: str, group: str) -> str:
    folder = new_folder(request.spec())
    values = request.as_dict()
    config = {"model": request.model, "config": values["config"], "request": values}
    with _writing(folder):
        folder.mkdir(parents=True)
        write_config(folder, config)
    about = {"model": f"new/{request.spec()}", "dataset": request.dataset, "group": group}
    _note(folder, status="queued", message="", queued=time.time(), session=session, **about)
    return folder.name


def _note(folder: Path, **notes: object) -> None:
    with RunWriter(folder) as writer:
        writer.note(**notes)


@contextmanager
def _queue_locked() -> Iterator[None]:
    """Let one process at a time look at the queue and change it."""
    path = reader.runs_folder() / ".queue"
    with _writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        lock.take(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn what the system says about a file into a sentence."""
    try:
        yield
    except OSError as reason:
        raise TrainingError(
            "{folder} cannot be written ({reason}); {way_out}.",
            folder=folder,
            reason=reason.strerror,
            way_out=way_out(reason, Sentence("set RESVIZ_HOME")),
        ) from None


def _give_places() -> None:
    for info in next_runs(reader.runs(), *places()):
        _launch(reader.runs_folder() / info.id)


def _launch(folder: Path) -> None:
    """Start the process of a run."""
    with _writing(folder):
        held = lock.hold(folder)
    if held is None:
        return
    try:
        # the wish of another day would stop it at once
        (folder / STOP).unlink(missing_ok=True)
        _note(folder, status="running", message="")
        _children.append(_process(folder, held))
    except OSError as reason:
        refusal = Sentence(
            "No process can be started ({reason}); try again later.", reason=reason.strerror
        )
        _note(folder, status="crashed", message=refusal)
    finally:
        lock.release(held)


def _process(folder: Path, held: int) -> subprocess.Popen[bytes]:
    """Hand the run's lock to a new process: there is no moment in which the run looks dead."""
    with (folder / OUTPUT).open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "resviz", "train", "--run", folder.name],
            env=environment(**{LOCK_VARIABLE: str(held)}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(held,),
            # Ctrl-C at the server is not meant for the training
            start_new_session=True,
        )
