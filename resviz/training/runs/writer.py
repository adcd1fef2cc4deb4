"""`RunWriter`: writes what a run records into its `run.sqlite` while it trains.

A step is one row, and rows are committed together a few times a second: 20,000 steps a second for
110 layers. What is committed survives kill -9; `flush(durable=True)` makes it survive a power cut
as well, and precedes every checkpoint, so that no checkpoint is ahead of what is recorded. A step
that is done again after a resume replaces itself.
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import numpy as np

from resviz.errors import Sentence, TrainingError
from resviz.training.events import EpochEnd, Step
from resviz.training.runs.disk_space import way_out
from resviz.training.schema import FILE, STEP, TABLES, VERSION, statements

CREATED = """
INSERT OR IGNORE INTO kv
SELECT 'created', COALESCE((SELECT value FROM kv WHERE key = 'queued'), :now)
"""
INTERVAL = 0.25  # seconds between commits: what a reader may lag behind


class RunWriter:
    """Open for writing until `close`, by one process at a time. What fails is a `TrainingError`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pending: list[Step] = []
        self._next = 0.0
        with self._refusals():
            self._db = sqlite3.connect(folder / FILE, timeout=10, isolation_level=None)
            # a log beside the file: readers never wait for the writer, nor it for them
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(statements())
            self._add_columns()
            self.note(version=VERSION)
            self._db.execute(CREATED, {"now": json.dumps(time.time())})

    def note(self, **notes: object) -> None:
        """Write down something about the run, at once: its status, the number of its steps."""
        rows = [(key, json.dumps(_plain(value))) for key, value in notes.items()]
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO kv VALUES (?, ?)", rows)

    def layers(self, groups: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """Write the layers (name, kind) of each group, in forward order."""
        rows = [
            (group, i, *layer) for group, layers in groups.items() for i, layer in enumerate(layers)
        ]
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO layer VALUES (?, ?, ?, ?)", rows)

    def step(self, step: Step) -> None:
        """Take a step; it is on its way to the disk a quarter of a second later at the latest."""
        self._pending.append(step)
        if time.monotonic() > self._next:
            self.flush()

    def epoch(self, end: EpochEnd) -> None:
        """Write the end of an epoch, and all steps before it."""
        self.flush()
        row = (end.epoch, end.train_loss, end.train_accuracy, end.test.loss, end.test.accuracy)
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO epoch VALUES (?, ?, ?, ?, ?)", row)

    def flush(self, durable: bool = False) -> None:
        """Commit what was taken; `durable` waits until the disk has it."""
        now, pending = time.time(), self._pending
        with self._transaction():
            rows = [(*(getattr(step, name) for name in STEP[:-1]), now) for step in pending]
            self._db.executemany("INSERT OR REPLACE INTO step VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            for table, quantities in TABLES.items():
                self._insert_blobs(table, tuple(quantities), pending)
        self._pending, self._next = [], time.monotonic() + INTERVAL
        if durable:
            with self._refusals():
                # moves the log into the file, which syncs both; a reader may keep a part of it
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Commit the rest, and leave one file that can be read where nothing may be written."""
        try:
            self.flush()
            # while somebody reads this fails: then the log stays for the next who writes
            with suppress(sqlite3.OperationalError):
                self._db.execute("PRAGMA busy_timeout=200")
                self._db.execute("PRAGMA journal_mode=DELETE")
        finally:
            self._db.close()

    def __enter__(self) -> "RunWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            with suppress(TrainingError):  # the first reason is the one to tell
                self.close()

    def _add_columns(self) -> None:
        """Give the tables of an earlier version its new quantities; the steps there have none."""
        for table, quantities in TABLES.items():
            columns = {name for _, name, *_ in self._db.execute(f"PRAGMA table_info({table})")}
            for quantity in quantities:
                if quantity not in columns:
                    self._db.execute(f"ALTER TABLE {table} ADD COLUMN {quantity} BLOB")

    def _insert_blobs(self, table: str, quantities: tuple[str, ...], steps: list[Step]) -> None:
        measured = [step for step in steps if not step.norms.keys().isdisjoint(quantities)]
        rows = [
            (step.step, *(_blob(step.norms.get(quantity)) for quantity in quantities))
            for step in measured
        ]
        holes = ", ".join("?" * (len(quantities) + 1))
        self._db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({holes})", rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Write all of it or nothing."""
        with self._refusals():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Turn what the system says into a sentence."""
        try:
            yield
            # SQLite goes on writing into a file without a name
            if not (self.folder / FILE).exists():
                raise TrainingError(
                    "{folder} was deleted while the run was going on; what it learnt is gone.",
                    folder=self.folder,
                )
        except (sqlite3.Error, OSError) as reason:
            raise TrainingError(
                "{folder} cannot be written ({reason}); {way_out}.",
                folder=self.folder,
                reason=reason,
                way_out=way_out(reason, Sentence("choose another --out")),
            ) from None


def _plain(value: object) -> object:
    return value.as_plain() if isinstance(value, Sentence) else value


def _blob(values: Sequence[float] | None) -> bytes | None:
    return None if values is None else np.asarray(values, "<f4").tobytes()
