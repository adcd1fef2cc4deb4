"""Runs for other programs."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from resviz.errors import TrainingError
from resviz.training.runs import tensorboard
from resviz.training.runs.importing import take_in
from resviz.training.runs.reader import RunReader

__all__ = ["FORMATS", "export", "take_in"]

Columns = dict[str, np.ndarray]


def export(run: RunReader, folder: Path, kind: str = "csv") -> list[Path]:
    """Write what a run recorded, every step of it; return the files.

    `csv` and `parquet`: `steps`, `epochs` and a table for each quantity, with a column for each
    layer. `tensorboard`: all of them in one event file. Raises `TrainingError`.
    """
    tables = _tables(run)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if kind == "tensorboard":
            return [tensorboard.write(folder / f"events.out.tfevents.{run.id}", tables)]
        write = _WRITERS[kind]
        return [write(folder / f"{name}.{kind}", columns) for name, columns in tables.items()]
    except OSError as reason:
        raise TrainingError(
            "{folder} cannot be written ({reason}); choose another --out.",
            folder=folder,
            reason=reason.strerror or reason,
        ) from None


def _tables(run: RunReader) -> dict[str, Columns]:
    # every step, not the thinned-out ones of a chart: others may compute with them
    tables: dict[str, Columns] = {"steps": run.scalars(most=None), "epochs": run.epochs()}
    for quantity in run.quantities():
        steps, values = run.norms(quantity, most=None)
        by_layer = dict(zip(run.layers(quantity), values.T, strict=True))
        tables[quantity] = {"step": steps, **by_layer}
    return tables


def _write_csv(path: Path, columns: Columns) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        lists = [values.tolist() for values in columns.values()]
        writer.writerows(zip(*lists, strict=True))
    return path


def _write_parquet(path: Path, columns: Columns) -> Path:
    # half a second that only this kind of file costs
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), path)
    return path


_WRITERS: dict[str, Callable[[Path, Columns], Path]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
}
FORMATS = (*_WRITERS, "tensorboard")
