"""Reading what training runs recorded, while they run or later: no writer ever waits for a reader.

    runs()                                  every run, the youngest first
    read(run_id).scalars()                  step, loss, accuracy, lr, seconds
    read(run_id).norms("weight_gradient")   one number for each layer and step

Torch is not needed.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from resviz import paths
from resviz.errors import Sentence, TrainingError, first_line
from resviz.training.runs import lock, queries
from resviz.training.schema import CONFIG, EPOCH, FILE, QUANTITIES, STEP, STOP, TABLE_OF

GOING_ON = ("queued", "running")
STATUSES = (*GOING_ON, "finished", "stopped", "crashed")
StepsByLayer = tuple[Int[np.ndarray, " S"], Float[np.ndarray, "S L"]]


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A line of the list of runs."""

    id: str
    model: str
    dataset: str
    status: str  # one of STATUSES
    step: int  # steps that are recorded
    steps: int  # in all; 0 before the data are loaded
    started: float | None  # seconds since 1970; None before the start
    message: Sentence  # why it ended
    session: str  # who asked for it
    group: str  # the runs of one race share it
    place: float  # its place in the queue: the smaller, the sooner
    # seconds since 1970: a resume changes its place in the queue, but not in the list
    created: float = 0.0


def runs_folder() -> Path:
    """Where the runs lie, one folder each."""
    return paths.home() / "runs"


def runs() -> tuple[RunInfo, ...]:
    """List every run, the youngest first.

    Damaged ones are left out; `read` says what is wrong with them.

    Returns:
        A `RunInfo` for each run: its id, model, dataset, status and progress.

    Example:
        >>> waiting = [info.id for info in runs() if info.status == "queued"]
    """
    infos = []
    for path in runs_folder().glob(f"*/{FILE}"):
        try:
            infos.append(RunReader(path.parent).info())
        except TrainingError:
            continue
    return tuple(sorted(infos, key=lambda info: (-info.created, info.id)))


def read(run_id: str) -> "RunReader":
    """Open what a run recorded.

    Args:
        run_id: the name of its folder, as `runs()` lists it.

    Returns:
        A `RunReader`; each of its methods reads what there is at that moment.

    Raises:
        TrainingError: there is no run of that name.

    Example:
        >>> read("nothing")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        resviz.errors.TrainingError: There is no run 'nothing'; ...
    """
    path = runs_folder() / run_id
    is_name = path.parent == runs_folder() and run_id not in ("", ".", "..")
    if not is_name or not (path / FILE).is_file():
        raise TrainingError(
            "There is no run {run!r}; `python -m resviz runs list` lists them.",
            run=run_id,
        )
    return RunReader(path)


@dataclass(frozen=True, slots=True)
class RunReader:
    """What one run has recorded so far.

    Every question reads anew, and raises `TrainingError` if the run is gone.
    """

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def config(self) -> dict[str, Any]:
        """What repeats the run: model, configuration, data, device, threads, versions."""
        try:
            values = json.loads((self.folder / CONFIG).read_text())
        except (OSError, ValueError) as reason:
            raise TrainingError(
                "The {config} of {run} cannot be read ({reason}); delete the run.",
                config=CONFIG,
                run=self.id,
                reason=first_line(reason),
            ) from None
        return values if isinstance(values, dict) else {}

    @property
    def status(self) -> str:
        """One of `STATUSES`; a run whose process died without a word has crashed."""
        return _status(self.folder, self.notes())

    @property
    def wish(self) -> str:
        """What was asked of it last, `pause` or `stop`; empty since it was started or resumed."""
        try:
            return (self.folder / STOP).read_text() or "stop"
        except OSError:
            return ""

    def info(self) -> RunInfo:
        """The run's line in the list."""
        with self._open() as db:
            notes, last = _notes(db), queries.last_step(db, "step")
        queued = float(notes.get("queued", 0.0))
        return RunInfo(
            id=self.id,
            model=str(notes.get("model", "")),
            dataset=str(notes.get("dataset", "")),
            status=_status(self.folder, notes),
            step=0 if last is None else last + 1,
            steps=int(notes.get("steps", 0)),
            started=notes.get("started"),
            message=Sentence.from_plain(notes.get("message", "")),
            session=str(notes.get("session", "")),
            group=str(notes.get("group", "")),
            place=queued,
            created=float(notes.get("created", queued)),
        )

    def notes(self) -> dict[str, Any]:
        """What the run says about itself, by name."""
        with self._open() as db:
            return _notes(db)

    def scalars(self, most: int | None = 1000) -> dict[str, np.ndarray]:
        """About `most` steps, all for None, as arrays (S,).

        They are `step, epoch, loss, accuracy, lr, seconds`, and `at`: when it was, in seconds
        since 1970.
        """
        with self._open() as db:
            rows = queries.thinned(db, "step", STEP, most)
        return _columns(STEP, rows, whole=("step", "epoch"))

    def epochs(self) -> dict[str, np.ndarray]:
        """Arrays (E,) of `epoch, train_loss, train_accuracy, test_loss, test_accuracy`."""
        with self._open() as db:
            rows = db.execute(f"SELECT {', '.join(EPOCH)} FROM epoch ORDER BY epoch").fetchall()
        return _columns(EPOCH, rows, whole=("epoch",))

    def layers(self, quantity: str) -> tuple[str, ...]:
        """Name the layers or blocks of a quantity, from the input to the output.

        Empty if it was not recorded.
        """
        with self._open() as db:
            names = _layers(db, quantity)
            last = queries.last_step(db, TABLE_OF[quantity], quantity)
        return () if last is None else names

    def quantities(self) -> tuple[str, ...]:
        """What was recorded of each layer."""
        return tuple(quantity for quantity in QUANTITIES if self.layers(quantity))

    def norms(self, quantity: str, most: int | None = 500) -> StepsByLayer:
        """Steps (S,) and a quantity's values (S, L) as float32.

        They are about `most` steps from the first to the last, all for None. L2 norms of gradients
        and weights; `update_ratio` is that of an update over that of the weights; `bn_...` are
        means over the channels, and `bn_..._deviation` their standard deviations.
        """
        table = TABLE_OF.get(quantity, "")
        with self._open() as db:
            names = _layers(db, quantity)
            every = int(_notes(db).get("batchnorm_every", 1)) if table == "batchnorm" else 1
            rows = queries.thinned(db, table, ("step", quantity), most, quantity, every)
            return queries.matrix([row for row in rows if row[1] is not None], len(names))

    def first(self, quantity: str, until: int) -> StepsByLayer:
        """Every recorded step up to and with `until`, as `norms` gives them, none left out."""
        with self._open() as db:
            names, table = _layers(db, quantity), TABLE_OF[quantity]
            if queries.last_step(db, table, quantity) is None:
                return queries.matrix([], len(names))
            rows = db.execute(
                f"SELECT step, {quantity} FROM {table}"
                f" WHERE step <= ? AND {quantity} IS NOT NULL ORDER BY step",
                (until,),
            )
            return queries.matrix(rows.fetchall(), len(names))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(queries.connect(self.folder / FILE)) as db:
                yield db
        except sqlite3.OperationalError as reason:
            raise TrainingError(
                "The run {run} cannot be read ({reason}); it may have been deleted.",
                run=self.id,
                reason=reason,
            ) from None
        except (sqlite3.DatabaseError, ValueError, TypeError) as reason:
            raise TrainingError(
                "The records of {run} are damaged ({reason}); delete the run.",
                run=self.id,
                reason=first_line(reason),
            ) from None


def _notes(db: sqlite3.Connection) -> dict[str, Any]:
    return {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM kv")}


def _status(folder: Path, notes: Mapping[str, Any]) -> str:
    status = str(notes.get("status", "crashed"))
    # a process that died without a word could not write that down; its lock is gone
    return "crashed" if status == "running" and not lock.is_held(folder) else status


def _layers(db: sqlite3.Connection, quantity: str) -> tuple[str, ...]:
    group = queries.group_of(quantity)
    rows = db.execute("SELECT name FROM layer WHERE grp = ? ORDER BY i", (group,))
    return tuple(name for (name,) in rows)


def _columns(
    names: tuple[str, ...], rows: queries.Rows, whole: tuple[str, ...]
) -> dict[str, np.ndarray]:
    columns = list(zip(*rows, strict=True)) or [() for _ in names]
    return {
        name: np.array(column, np.int64 if name in whole else np.float64)
        for name, column in zip(names, columns, strict=True)
    }
