"""A table of a result: the same rows for the page, the CSV download and the command line."""

import csv
import io
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain values under named columns.

    Raises `ValueError` where a row has another length than the columns.

    Example:
        >>> table = Table(("layer", "norm"), (("conv1", 0.5), ("fc", 2.0)))
        >>> table.records()[1]
        {'layer': 'fc', 'norm': 2.0}
        >>> print(table.csv(), end="")
        layer,norm
        conv1,0.5
        fc,2.0
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} values under {len(self.columns)} columns")

    def records(self) -> list[dict[str, object]]:
        """One dictionary a row, as JSON wants it."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def csv(self) -> str:
        """The table as RFC 4180 has it, with line feeds; a missing value is an empty cell."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return text.getvalue()
