"""The tables of every version, made by SQLite itself."""

import sqlite3
from contextlib import closing

import pytest

from resviz.training.schema import (
    GROUPS,
    PRESETS,
    QUANTITIES,
    SINCE,
    TABLE_OF,
    TABLES,
    VERSION,
    statements,
)


def columns(version: int) -> dict[str, list[str]]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(statements(version))
        db.executescript(statements(version))  # where they are there already nothing happens
        return {
            table: [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")]
            for table in TABLES
        }


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_version_has_a_column_for_each_of_its_quantities(version):
    for table, found in columns(version).items():
        known = [name for name in TABLES[table] if SINCE.get(name, 1) <= version]
        assert found == ["step", *known]


def test_a_new_quantity_stands_where_alter_table_puts_it():
    for before, after in ((columns(v), columns(v + 1)) for v in range(1, VERSION)):
        for table, found in after.items():
            assert found[: len(before[table])] == before[table]


def test_every_quantity_has_one_table_and_one_group_of_layers():
    assert set(QUANTITIES.values()) <= set(GROUPS)
    assert sorted(QUANTITIES) == sorted(name for names in TABLES.values() for name in names)
    assert {name: TABLE_OF[name] for name in QUANTITIES} == TABLE_OF


def test_a_preset_records_quantities_that_there_are():
    assert set().union(*PRESETS.values()) == set(QUANTITIES)
    assert PRESETS["off"] == ()
