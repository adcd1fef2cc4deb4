"""One table for the page, the download and the command line."""

import csv
import io

import pytest

from resviz.tables import Table

TABLE = Table(("layer", "norm"), (("conv1, first", 0.5), ('a "b"', None)))


def test_records_name_each_value():
    assert TABLE.records() == [
        {"layer": "conv1, first", "norm": 0.5},
        {"layer": 'a "b"', "norm": None},
    ]


def test_csv_is_read_back_by_another_reader():
    rows = list(csv.reader(io.StringIO(TABLE.csv())))
    assert rows == [["layer", "norm"], ["conv1, first", "0.5"], ['a "b"', ""]]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="1 values under 2 columns"):
        Table(("a", "b"), ((1,),))
