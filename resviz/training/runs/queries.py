"""What readers ask of a run's `run.sqlite`: long runs are thinned out in SQL, from row to row."""

import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from resviz.errors import TrainingError
from resviz.training.runs import validation
from resviz.training.schema import QUANTITIES

Rows = list[tuple[Any, ...]]
# rows at equal distances, each found by its primary key, and the last one
_LEAP = """
WITH RECURSIVE at(i) AS
 (VALUES(:first) UNION ALL SELECT i + :stride FROM at WHERE i + :stride < :last)
SELECT {columns} FROM (SELECT i FROM at UNION SELECT :last) JOIN {table} ON step = i ORDER BY step
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open a run's file for reading; no writer waits for it."""
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
        # in a folder that may not be written SQLite has no place for the index of a log; without a
        # log it needs none
        db = sqlite3.connect(f"{address}&immutable=1", uri=True)
    return db


def group_of(quantity: str) -> str:
    """The group of layers that a quantity is measured on; raises `TrainingError` for others."""
    if quantity not in QUANTITIES:
        raise TrainingError(
            "There is no quantity {quantity!r}; choose from {quantities}.",
            quantity=quantity,
            quantities=", ".join(QUANTITIES),
        )
    return QUANTITIES[quantity]


def layers(db: sqlite3.Connection, quantity: str) -> tuple[str, ...]:
    """Names of the layers of a quantity, from the input to the output."""
    group = group_of(quantity)
    rows = db.execute("SELECT i, name FROM layer WHERE grp = ? ORDER BY i", (group,))
    return validation.layers(rows.fetchall())


def first_step(db: sqlite3.Connection, table: str) -> int | None:
    """The first step of a table, None where it is empty."""
    row = db.execute(f"SELECT step FROM {table} ORDER BY step LIMIT 1").fetchone()
    return None if row is None else validation.step(row[0])


def last_step(db: sqlite3.Connection, table: str, quantity: str = "step") -> int | None:
    """The last step of a table that holds a quantity, None where there is none."""
    columns = {name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")}
    if quantity not in columns:
        return None  # written by an earlier version
    row = db.execute(
        f"SELECT step FROM {table} WHERE {quantity} IS NOT NULL ORDER BY step DESC LIMIT 1"
    ).fetchone()
    return None if row is None else validation.step(row[0])


def thinned(
    db: sqlite3.Connection,
    table: str,
    columns: tuple[str, ...],
    most: int | None,
    quantity: str = "step",
    every: int = 1,
) -> Rows:
    """About `most` rows, evenly from the first to the last; all of them for None.

    `every`: the distance of steps at which the table has rows.
    """
    first, last = first_step(db, table), last_step(db, table, quantity)
    if first is None or last is None:
        return []
    names = ", ".join(columns)
    if most is None:
        return db.execute(f"SELECT {names} FROM {table} ORDER BY step").fetchall()
    rows = (last - first) / every
    stride = every * max(1, math.ceil(rows / max(1, most)))
    values = {"first": first, "last": last, "stride": stride}
    return db.execute(_LEAP.format(columns=names, table=table), values).fetchall()


def matrix(rows: Sequence[tuple[int, bytes]], width: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps (S,) and their numbers (S, L) as float32; L is `width`."""
    numbers = np.frombuffer(b"".join(blob for _, blob in rows), "<f4")
    values = numbers.reshape(len(rows), width if rows else 0).astype(np.float32)
    return np.array([step for step, _ in rows], np.int64), values
