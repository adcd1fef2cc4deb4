"""Records as a TensorBoard event file: every recorded number a scalar, written without TensorFlow.

The file is a sequence of TFRecords (length, its checksum, data, their checksum; CRC-32C, masked),
each an `Event` of tensorflow/core/util/event.proto: wall_time = 1, step = 2, file_version = 3,
summary = 5 with its values = 1, of which each has tag = 1 and simple_value = 2. The events of a
table differ in their numbers only: they are written as rows of one array of bytes, the numbers in
their places.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

ROWS = 4096  # events that are made at a time
VARINT = 5  # bytes of a step, enough for 2^35; fillers are allowed
FILE_VERSION = b"brain.Event:2"


def write(path: Path, tables: Mapping[str, Mapping[str, np.ndarray]]) -> Path:
    """Write each table's columns as scalars `table/column` over its first column, `step` or `epoch`.

    The table `steps` has both and `at`, when they were, in seconds since 1970. Raises `OSError`.
    """
    steps = tables["steps"]
    with path.open("wb") as file:
        _records(
            np.frombuffer(b"\x1a" + bytes([len(FILE_VERSION)]) + FILE_VERSION, np.uint8)[None]
        ).tofile(file)
        for table, columns in tables.items():
            (by, x), *rest = columns.items()
            scalars = {f"{table}/{name}": values for name, values in rest if name != "at"}
            when = steps["at"][np.searchsorted(steps[by], x, side="right") - 1]
            for i in range(0, len(x), ROWS):
                part = slice(i, i + ROWS)
                events = _events(
                    x[part], when[part], {tag: values[part] for tag, values in scalars.items()}
                )
                _records(events).tofile(file)
    return path


def _events(x: np.ndarray, when: np.ndarray, scalars: Mapping[str, np.ndarray]) -> np.ndarray:
    """Bytes (N, L) of N events without frame."""
    values = [_field(1, tag.encode()) + b"\x15" + bytes(4) for tag in scalars]
    summary = b"".join(_field(1, value) for value in values)
    head = b"\x09" + bytes(8) + b"\x10" + bytes(VARINT)
    event = head + _field(5, summary)
    rows = np.tile(np.frombuffer(event, np.uint8), (len(x), 1))
    rows[:, 1:9] = _bytes(when, "<f8")
    sevens = x.astype(np.int64)[:, None] >> 7 * np.arange(VARINT) & 0x7F
    rows[:, 10 : 10 + VARINT] = sevens | 0x80 * (np.arange(VARINT) < VARINT - 1)
    end = len(event) - len(summary)
    for value, column in zip(values, scalars.values(), strict=True):
        end += len(_field(1, value))
        rows[:, end - 4 : end] = _bytes(column, "<f4")
    return rows


def _field(number: int, value: bytes) -> bytes:
    """A field of bytes: key, length, value."""
    length, size = b"", len(value)
    while size > 0x7F:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + value


def _records(rows: np.ndarray) -> np.ndarray:
    """The frame around each row of bytes."""
    length = np.tile(_bytes(np.array([rows.shape[1]]), "<u8"), (len(rows), 1))
    return np.hstack([length, _checksum(length), rows, _checksum(rows)])


def _checksum(rows: np.ndarray) -> np.ndarray:
    """The masked CRC-32C of each row, (N, 4) bytes."""
    crc = np.full(len(rows), 0xFFFFFFFF, np.uint32)
    for column in rows.T:
        crc = _TABLE[(crc ^ column) & 0xFF] ^ (crc >> np.uint32(8))
    crc ^= np.uint32(0xFFFFFFFF)
    masked = (crc >> np.uint32(15) | crc << np.uint32(17)) + np.uint32(0xA282EAD8)
    return _bytes(masked, "<u4")


def _bytes(values: np.ndarray, kind: str) -> np.ndarray:
    """The bytes of each number, (N, B)."""
    numbers = np.ascontiguousarray(values, kind)
    return numbers.view(np.uint8).reshape(len(numbers), -1)


def _table() -> np.ndarray:
    """What each byte does to a CRC with Castagnoli's polynomial, reversed."""
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = (crc >> np.uint32(1)) ^ (np.uint32(0x82F63B78) * (crc & np.uint32(1)))
    return crc


_TABLE = _table()
