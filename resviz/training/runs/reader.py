"""Reading what training runs recorded, while they run or later: no writer ever waits for a reader.

    runs()                              every run, the youngest first
    read(run_id).scalars()              step, loss, accuracy, lr, seconds
    read(run_id).norms("weight_gradient")   one number for each layer and step

Long runs are thinned out where they lie, in SQL: a reader leaps from row to row. Torch is not
needed.
"""

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from resviz import paths
from resviz.errors import Sentence, TrainingError, first_line
from resviz.training.runs import lock
from resviz.training.schema import CONFIG, EPOCH, FILE, QUANTITIES, STEP, STOP, TABLE_OF

GOING_ON = ("queued", "running")
STATUSES = (*GOING_ON, "finished", "stopped", "crashed")
_LEAP = """
WITH RECURSIVE at(i) AS (VALUES(:first) UNION ALL SELECT i + :stride FROM at WHERE i + :stride < :last)
SELECT {columns} FROM (SELECT i FROM at UNION SELECT :last) JOIN {table} ON step = i ORDER BY step
"""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A line of the list of runs. `started`: seconds since 1970, None before the start; `message`: why it ended."""

    id: str
    model: str
    dataset: str
    status: str  # one of STATUSES
    step: int  # steps that are recorded
    steps: int  # in all; 0 before the data are loaded
    started: float | None
    message: Sentence
    session: str  # who asked for it
    group: str  # the runs of one race share it
    place: float  # its place in the queue: the smaller, the sooner
    created: float = (
        0.0  # seconds since 1970; a resume changes its place in the queue, but not in the list
    )


def folder() -> Path:
    """Where the runs lie, one folder each."""
    return paths.home() / "runs"


def runs() -> tuple[RunInfo, ...]:
    """Every run, the youngest first; damaged ones are left out, `read` says what is wrong with them."""
    found = []
    for path in folder().glob(f"*/{FILE}"):
        try:
            found.append(RunReader(path.parent).info())
        except TrainingError:
            continue
    return tuple(sorted(found, key=lambda info: (-info.created, info.id)))


def read(run_id: str) -> "RunReader":
    """The record of a run; raises `TrainingError` where there is none of that name."""
    path = folder() / run_id
    if path.parent != folder() or run_id in ("", ".", "..") or not (path / FILE).is_file():
        raise TrainingError(
            "There is no run {run!r}; `python -m resviz runs list` lists them.",
            run=run_id,
        )
    return RunReader(path)


@dataclass(frozen=True, slots=True)
class RunReader:
    """What one run has recorded so far. Every question reads anew, and raises `TrainingError` if the run is gone."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def config(self) -> dict[str, Any]:
        """What is needed to repeat the run: model, configuration, data, device, threads, versions."""
        try:
            found = json.loads((self.folder / CONFIG).read_text())
        except (OSError, ValueError) as reason:
            raise TrainingError(
                "The {config} of {run} cannot be read ({reason}); delete the run.",
                config=CONFIG,
                run=self.id,
                reason=first_line(reason),
            ) from None
        return found if isinstance(found, dict) else {}

    @property
    def status(self) -> str:
        """One of `STATUSES`; a run whose process died without a word has crashed."""
        return _status(self.folder, self.notes())

    @property
    def wish(self) -> str:
        """What somebody asked of it last, `pause` or `stop`; empty since it was started or resumed."""
        try:
            return (self.folder / STOP).read_text() or "stop"
        except OSError:
            return ""

    def info(self) -> RunInfo:
        """The run's line in the list."""
        with self._open() as db:
            notes, last = _notes(db), _last(db, "step")
        return RunInfo(
            self.id,
            str(notes.get("model", "")),
            str(notes.get("dataset", "")),
            _status(self.folder, notes),
            0 if last is None else last + 1,
            int(notes.get("steps", 0)),
            notes.get("started"),
            Sentence.from_plain(notes.get("message", "")),
            str(notes.get("session", "")),
            str(notes.get("group", "")),
            float(notes.get("queued", 0.0)),
            float(notes.get("created", notes.get("queued", 0.0))),
        )

    def notes(self) -> dict[str, Any]:
        """What the run says about itself, by name."""
        with self._open() as db:
            return _notes(db)

    def scalars(self, most: int = 1000) -> dict[str, np.ndarray]:
        """About `most` steps: arrays (S,) of `step, epoch, loss, accuracy, lr, seconds`, and `at`, when they were."""
        with self._open() as db:
            rows = _leap(db, "step", STEP, most)
        columns = list(zip(*rows, strict=True)) or [() for _ in STEP]
        kinds = [np.int64, np.int64, *[np.float64] * (len(STEP) - 2)]
        return {name: np.array(c, kind) for name, c, kind in zip(STEP, columns, kinds, strict=True)}

    def epochs(self) -> dict[str, np.ndarray]:
        """Arrays (E,) of `epoch, train_loss, train_accuracy, test_loss, test_accuracy`."""
        with self._open() as db:
            rows = db.execute(f"SELECT {', '.join(EPOCH)} FROM epoch ORDER BY epoch").fetchall()
        columns = list(zip(*rows, strict=True)) or [() for _ in EPOCH]
        return {
            name: np.array(c, float if i else int)
            for i, (name, c) in enumerate(zip(EPOCH, columns, strict=True))
        }

    def layers(self, quantity: str) -> tuple[str, ...]:
        """Names of the layers or blocks of a quantity, from the input to the output; empty if it was not recorded."""
        with self._open() as db:
            names = _layers(db, quantity)
            return names if _last(db, TABLE_OF[quantity], quantity) is not None else ()

    def quantities(self) -> tuple[str, ...]:
        """What was recorded of each layer."""
        return tuple(quantity for quantity in QUANTITIES if self.layers(quantity))

    def norms(
        self, quantity: str, most: int = 500
    ) -> tuple[Int[np.ndarray, " S"], Float[np.ndarray, "S L"]]:
        """Steps (S,) and the quantity's values (S, L) as float32, about `most` steps from the first to the last.

        L2 norms of gradients and weights; `update_ratio` is that of an update over that of the
        weights; `bn_...` are means over the channels and `bn_..._deviation` their standard
        deviations.
        """
        with self._open() as db:
            names = _layers(db, quantity)
            rows = _leap(db, TABLE_OF[quantity], ("step", quantity), most, quantity)
            return _matrix([row for row in rows if row[1] is not None], len(names))

    def first(
        self, quantity: str, until: int
    ) -> tuple[Int[np.ndarray, " S"], Float[np.ndarray, "S L"]]:
        """Every recorded step up to and with `until`, as `norms` gives them, none left out."""
        with self._open() as db:
            names = _layers(db, quantity)
            table = TABLE_OF[quantity]
            if _last(db, table, quantity) is None:
                return _matrix([], len(names))
            found = db.execute(
                f"SELECT step, {quantity} FROM {table} WHERE step <= ? AND {quantity} IS NOT NULL ORDER BY step",
                (until,),
            )
            return _matrix(found.fetchall(), len(names))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        path = self.folder / FILE
        try:
            with closing(_connection(path)) as db:
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


def _connection(path: Path) -> sqlite3.Connection:
    """Read-only. In a folder that may not be written SQLite has no place for its index of a log: there is none then."""
    if not path.is_file():
        raise sqlite3.OperationalError("it has no records")
    address = f"{path.absolute().as_uri()}?mode=ro"
    db = sqlite3.connect(address, uri=True, timeout=5)
    try:
        db.execute("SELECT 1 FROM kv")
    except sqlite3.OperationalError:
        db.close()
        if path.with_name(f"{path.name}-wal").exists():
            raise
        db = sqlite3.connect(f"{address}&immutable=1", uri=True)
    return db


def _notes(db: sqlite3.Connection) -> dict[str, Any]:
    return {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM kv")}


def _status(folder: Path, notes: Mapping[str, Any]) -> str:
    told = str(notes.get("status", "crashed"))
    return "crashed" if told == "running" and not lock.is_held(folder) else told


def _layers(db: sqlite3.Connection, quantity: str) -> tuple[str, ...]:
    if quantity not in QUANTITIES:
        raise TrainingError(
            "There is no quantity {quantity!r}; choose from {quantities}.",
            quantity=quantity,
            quantities=", ".join(QUANTITIES),
        )
    rows = db.execute("SELECT name FROM layer WHERE grp = ? ORDER BY i", (QUANTITIES[quantity],))
    return tuple(name for (name,) in rows)


def _matrix(rows: Sequence[tuple[int, bytes]], layers: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps (S,) and their numbers (S, L) as float32."""
    values = np.frombuffer(b"".join(blob for _, blob in rows), "<f4")
    values = values.reshape(len(rows), layers if rows else 0).astype(np.float32)
    return np.array([step for step, _ in rows], np.int64), values


def _last(db: sqlite3.Connection, table: str, quantity: str = "step") -> int | None:
    """The last step of a table, or None where it is empty or never held that quantity."""
    if quantity not in {name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")}:
        return None  # written by an earlier version
    row = db.execute(
        f"SELECT step FROM {table} WHERE {quantity} IS NOT NULL ORDER BY step DESC LIMIT 1"
    ).fetchone()
    return None if row is None else int(row[0])


def _leap(
    db: sqlite3.Connection, table: str, columns: tuple[str, ...], most: int, quantity: str = "step"
) -> list[tuple[Any, ...]]:
    """About `most` rows, evenly from the first to the last, found by their primary key."""
    first = db.execute(f"SELECT step FROM {table} ORDER BY step LIMIT 1").fetchone()
    last = _last(db, table, quantity)
    if first is None or last is None:
        return []
    every = int(_notes(db).get("batchnorm_every", 1)) if table == "batchnorm" else 1
    stride = every * max(1, math.ceil((last - first[0]) / every / max(1, most)))
    values = {"first": first[0], "last": last, "stride": stride}
    return db.execute(_LEAP.format(columns=", ".join(columns), table=table), values).fetchall()
