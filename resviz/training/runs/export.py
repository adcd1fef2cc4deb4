"""Runs for other programs and from other machines."""

import csv
import json
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from resviz.errors import ResvizError, TrainingError
from resviz.files import atomic_write
from resviz.models.weights import safe_load
from resviz.training import schema
from resviz.training.request import Request
from resviz.training.runs import reader, tensorboard
from resviz.training.runs.reader import RunReader
from resviz.training.runs.writer import RunWriter

ALL = 10**9
Columns = dict[str, np.ndarray]


def export(record: RunReader, folder: Path, kind: str = "csv") -> list[Path]:
    """Write `steps`, `epochs` and a table for each recorded quantity (a column for each layer) as csv or parquet.

    `tensorboard`: all of them in one event file.
    """
    tables: dict[str, Columns] = {"steps": record.scalars(ALL), "epochs": record.epochs()}
    for quantity in record.quantities():
        steps, values = record.norms(quantity, ALL)
        tables[quantity] = {
            "step": steps,
            **dict(zip(record.layers(quantity), values.T, strict=True)),
        }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if kind == "tensorboard":
            return [tensorboard.write(folder / f"events.out.tfevents.{record.id}", tables)]
        write = {"csv": _write_csv, "parquet": _write_parquet}[kind]
        return [write(folder / f"{name}.{kind}", columns) for name, columns in tables.items()]
    except OSError as reason:
        raise TrainingError(
            "{folder} cannot be written ({reason}); choose another --out.",
            folder=folder,
            reason=reason.strerror or reason,
        ) from None


def take_in(source: Path) -> str:
    """Copy a run's folder from elsewhere among the runs; returns its id.

    Only files that a run has are copied, and links are not followed. Raises `TrainingError` where
    something is missing or damaged, or a run of that name is here already.
    """
    name, target = source.resolve().name, reader.folder() / source.resolve().name
    files = (
        [path for path in source.glob("*") if _belongs(path) and not path.is_symlink()]
        if source.is_dir()
        else []
    )
    if not {schema.FILE, schema.CONFIG} <= {path.name for path in files}:
        raise TrainingError(
            "{source} is no folder of a run: it needs {file} and {config}.",
            source=source,
            file=schema.FILE,
            config=schema.CONFIG,
        )
    if target.exists():
        raise TrainingError(
            "There is a run {name} here already; rename the folder, or delete that run.", name=name
        )
    _check(source, files)
    try:
        with atomic_write(target) as beside:
            beside.mkdir(parents=True)
            for path in files:
                shutil.copyfile(path, beside / path.name)
    except OSError as reason:
        raise TrainingError(
            "{source} cannot be copied ({reason}); check disk and folder.",
            source=source,
            reason=reason.strerror or reason,
        ) from None
    if reader.read(name).notes().get("status") in ("running", "queued"):
        with RunWriter(target) as journal:
            journal.note(status="stopped", message="", session="", group="")
    return name


def _belongs(path: Path) -> bool:
    kept = {schema.FILE, f"{schema.FILE}-wal", schema.CONFIG, schema.STATE, schema.WEIGHTS}
    checkpoint = path.name.startswith("checkpoint-") and path.suffix == ".safetensors"
    return path.is_file() and (path.name in kept or checkpoint)


def _check(source: Path, files: Sequence[Path]) -> None:
    """Read everything once; raises `TrainingError` with the first thing that is wrong."""
    record = RunReader(source)
    try:
        Request.from_dict(record.config.get("request", {}))
        _check_database(source / schema.FILE)
        for ask in (record.info, record.epochs, lambda: record.scalars(ALL)):
            ask()
        for quantity in record.quantities():
            record.norms(quantity, ALL)
        for path in (path for path in files if path.suffix == ".safetensors"):
            safe_load.metadata(path)
    except ResvizError as reason:
        raise TrainingError(
            "{source} is damaged or of another program: {reason}", source=source, reason=reason
        ) from None


def _check_database(path: Path) -> None:
    """The tables must be ours and nothing else: a foreign file may bring views and triggers."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            found, healthy = _tables(db), db.execute("PRAGMA quick_check").fetchone()[0] == "ok"
            version = json.loads(
                (db.execute("SELECT value FROM kv WHERE key = 'version'").fetchone() or ("0",))[0]
            )
    except (sqlite3.Error, ValueError) as reason:
        raise TrainingError(
            "{name} cannot be read ({reason}).", name=path.name, reason=reason
        ) from None
    if version not in range(1, schema.VERSION + 1) or not healthy or found != _wanted(version):
        raise TrainingError("{name} is none of resviz, or of another version.", name=path.name)


def _wanted(version: int) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as own:
        own.executescript(schema.statements(version))
        return _tables(own)


def _tables(db: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


def _write_csv(path: Path, columns: Columns) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        rows: Sequence[Sequence[object]] = [list(values.tolist()) for values in columns.values()]
        writer.writerows(zip(*rows, strict=True))
    return path


def _write_parquet(path: Path, columns: Columns) -> Path:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), path)
    return path
