"""Runs from other machines: a folder is checked, then copied among the runs."""

import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from resviz.errors import ResvizError, TrainingError
from resviz.files import PART, atomic_write
from resviz.models.weights import safe_load
from resviz.training import schema
from resviz.training.request import Request
from resviz.training.runs import reader
from resviz.training.runs.reader import RunReader
from resviz.training.runs.writer import RunWriter
from resviz.training.strict import parsed

STALE = 3600.0  # seconds
FILES = {schema.FILE, f"{schema.FILE}-wal", schema.CONFIG, schema.STATE, schema.WEIGHTS}


def take_in(source: Path) -> str:
    """Copy a run's folder from elsewhere among the runs; return its id.

    Only files that a run has are copied, and links are not followed. Raises `TrainingError` where
    something is missing or damaged, or a run of that name is here already.
    """
    name = source.resolve().name
    target = reader.runs_folder() / name
    files = _files(source)
    if target.exists():
        raise TrainingError(
            "There is a run {name} here already; rename the folder, or delete that run.", name=name
        )
    _check(source, files)
    _sweep(target.parent)
    _copy(source, files, target)
    # its process and its race are on another machine
    if reader.read(name).notes().get("status") in reader.GOING_ON:
        with RunWriter(target) as writer:
            writer.note(status="stopped", message="", session="", group="")
    return name


def _files(source: Path) -> list[Path]:
    paths = source.glob("*") if source.is_dir() else ()
    files = [path for path in paths if _belongs(path)]
    if not {schema.FILE, schema.CONFIG} <= {path.name for path in files}:
        raise TrainingError(
            "{source} is no folder of a run: it needs {file} and {config}.",
            source=source,
            file=schema.FILE,
            config=schema.CONFIG,
        )
    return files


def _belongs(path: Path) -> bool:
    # a link could bring any file of this machine among the runs
    if path.is_symlink() or not path.is_file():
        return False
    is_checkpoint = path.name.startswith("checkpoint-") and path.suffix == ".safetensors"
    return path.name in FILES or is_checkpoint


def _copy(source: Path, files: Sequence[Path], target: Path) -> None:
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


def _sweep(runs: Path) -> None:
    """Remove copies that a killed process has left half made."""
    for path in runs.glob(f".*{PART}"):
        # a younger one may be in the making, by another process
        if time.time() - path.stat().st_mtime > STALE:
            shutil.rmtree(path, ignore_errors=True)


def _check(source: Path, files: Sequence[Path]) -> None:
    """Read everything once; raise `TrainingError` with the first thing that is wrong."""
    run = RunReader(source)
    try:
        # without a request it could be looked at, but never go on nor be repeated
        Request.from_dict(run.config.get("request") or {})
        _check_database(source / schema.FILE)
        run.checked_info()
        run.epochs()
        run.scalars(most=None)
        for quantity in schema.QUANTITIES:
            run.layers(quantity)
            run.norms(quantity, most=None)
        for path in files:
            if path.suffix == ".safetensors":
                safe_load.metadata(path)
    except ResvizError as reason:
        raise TrainingError(
            "{source} is damaged or of another program: {reason}", source=source, reason=reason
        ) from None


def _check_database(path: Path) -> None:
    """Accept our own tables and nothing else."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as db:
            tables, version = _tables(db), _version(db)
            is_healthy = db.execute("PRAGMA quick_check").fetchone()[0] == "ok"
    except (sqlite3.Error, ValueError, TypeError) as reason:
        raise TrainingError(
            "{name} cannot be read ({reason}).", name=path.name, reason=reason
        ) from None
    # a foreign file may bring views and triggers, which run when it is read or written
    is_known = version in range(1, schema.VERSION + 1)
    if not is_known or not is_healthy or tables != _own_tables(version):
        raise TrainingError("{name} is none of resviz, or of another version.", name=path.name)


def _version(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT value FROM kv WHERE key = 'version'").fetchone()
    version = parsed(row[0]) if row else 0
    return version if isinstance(version, int) else 0


def _own_tables(version: int) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as own:
        own.executescript(schema.statements(version))
        return _tables(own)


def _tables(db: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
