"""The claims of one picture file, and the camera's note on how it was held."""

import struct
from dataclasses import dataclass

MAX_PIXELS = 24_000_000
# segments, chunks, strips or tiles; an ordinary picture of 24 megapixels has fewer than 12,000
MAX_PIECES = 50_000
_ORIENTATION = 0x112
_LONG = 4  # the type of a tag that holds 32-bit numbers

Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The claims of one file; `size` is width and height as stored, before any turning."""

    format: str  # in Pillow's words
    size: Size
    file: bytes  # the file, less everything that the first picture does not need
    orientation: int = 1  # as EXIF counts, 1 is upright; WebP and AVIF say it only once opened
    frames: int = 1  # 0: several, not counted
    depth: int = 8  # bits per value
    white_is_zero: bool = False
    can_shrink: bool = False  # while it is decoded, in time and memory of the smaller picture


def orientation(exif: bytes) -> int:
    """EXIF orientation, 1 to 8; 1 (upright) where nothing sensible is noted."""
    try:
        value = _noted_orientation(exif.removeprefix(b"Exif\0\0"))
    except struct.error:  # the camera's notes are broken, the picture need not be
        return 1
    return value if 1 <= value <= 8 else 1


def _noted_orientation(exif: bytes) -> int:
    """The value of the first tag of that number; 1 where there is none."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2], "<")
    (start,) = struct.unpack_from(order + "I", exif, 4)
    (count,) = struct.unpack_from(order + "H", exif, start)
    for at in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", exif, at)
        if tag == _ORIENTATION:
            (value,) = struct.unpack_from(order + ("I" if kind == _LONG else "H"), exif, at + 8)
            return int(value)
    return 1
