"""A run as a TensorBoard event file: every recorded number a scalar.

It needs the package `tensorboard`, which comes with the extra of that name.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from resviz.errors import TrainingError

Columns = Mapping[str, np.ndarray]


def write(path: Path, tables: Mapping[str, Columns]) -> Path:
    """Write each table's columns as scalars `table/column` over its first one, `step` or `epoch`.

    The table `steps` has both, and `at`: when a step was, in seconds since 1970. Raises `OSError`,
    and `TrainingError` where TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import FileWriter
    except ImportError:
        raise TrainingError(
            "Event files need TensorBoard; install it with `pip install resviz[tensorboard]`, "
            "or export as csv or parquet."
        ) from None
    # The writer names its file after time and machine: it is written aside, and takes the name by
    # which a second export of the run replaces the first one.
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        writer = FileWriter(folder)
        try:
            for table, columns in tables.items():
                _add_table(writer, table, columns, tables["steps"])
        finally:
            writer.close()
        (file,) = Path(folder).iterdir()
        file.replace(path)
    return path


def _add_table(writer: Any, table: str, columns: Columns, steps: Columns) -> None:
    from tensorboard.compat.proto.summary_pb2 import Summary

    (by, x), *rest = columns.items()
    scalars = {f"{table}/{name}": values.tolist() for name, values in rest if name != "at"}
    # what is recorded after an epoch happened at the epoch's last step
    last = np.searchsorted(steps[by], x, side="right") - 1
    when = steps["at"][last].tolist()
    # one event for a row, not one for each of its numbers: a hundredth of the time
    for i, (step, wall_time) in enumerate(zip(x.tolist(), when, strict=True)):
        row = [Summary.Value(tag=tag, simple_value=v[i]) for tag, v in scalars.items()]
        writer.add_summary(Summary(value=row), step, wall_time)
