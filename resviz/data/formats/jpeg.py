"""JPEG, ISO/IEC 10918-1 annex B: segments, each with its length in front, then compressed scans."""

import re
import struct
from collections.abc import Iterator

from resviz.data.formats.header import MAX_PIECES, Header, Size, orientation
from resviz.errors import ImageError

MAX_SCANS = 200
# pixels times scans, 1.3 ns each; cameras write one scan, progressive encoders about ten
MAX_SCANNED = 20 * 24_000_000

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = 0xC2
_NEXT = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")  # what ends a scan: no stuffed zero, no restart
_ALONE = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})  # markers without a length


def read(data: bytes) -> Header:
    """Tables and frame header, without the segments of applications."""
    segments = [(marker, data[start:end], end) for marker, start, end in _segments(data)]
    bodies = [(marker, segment[4:]) for marker, segment, _ in segments]
    (size,) = (_frame_size(body) for marker, body in bodies if marker in _FRAMES)
    exifs = (body for marker, body in bodies if marker == 0xE1 and body.startswith(b"Exif\0\0"))
    several = any(marker == 0xE2 and body.startswith(b"MPF\0") for marker, body in bodies)
    needed = b"".join(segment for marker, segment, _ in segments if _is_needed(marker, segment))
    scans = _scans(data, segments[-1][2], size)
    return Header(
        format="JPEG",
        size=size,
        file=b"\xff\xd8" + needed + scans,
        orientation=orientation(next(exifs, b"")),
        frames=0 if several else 1,
        # a progressive file is held whole, whatever the size that is asked for
        can_shrink=not any(marker == PROGRESSIVE for marker, _body in bodies),
    )


def _frame_size(body: bytes) -> Size:
    height, width = struct.unpack_from(">HH", body, 1)
    return width, height


def _is_needed(marker: int, segment: bytes) -> bool:
    """Tables, and what decides the colour space."""
    return marker < 0xE0 or segment[4:].startswith((b"JFIF\0", b"Adobe"))


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment up to the header of the first scan."""
    at = 2
    for _ in range(MAX_PIECES):
        start = data.index(b"\xff", at)
        marker, at = data[start + 1], start + 2
        if marker == 0xD9:
            raise ValueError("the picture ends before it begins")
        if marker == 0xFF:  # any number of fill bytes may stand before a marker
            at -= 1
        elif marker not in _ALONE:
            at += struct.unpack_from(">H", data, at)[0]
            yield marker, start, at
        if marker == 0xDA:
            return
    raise ValueError("too many segments")


def _scans(data: bytes, start: int, size: Size) -> bytes:
    """The compressed data of the first picture, if the scans are not absurdly many."""
    end, count = start, 1
    for _ in range(MAX_PIECES):
        marker = _NEXT.search(data, end)
        end = marker.end() if marker else len(data)
        if marker is None or marker[0] == b"\xff\xd9":
            break
        count += marker[0] == b"\xff\xda"
        end += struct.unpack_from(">H", data, end)[0]  # tables between scans
    if count > MAX_SCANS or count * size[0] * size[1] > MAX_SCANNED:
        raise ImageError(
            "The JPEG is built of {count:,} scans, more than any camera writes; save it as PNG.",
            count=count,
        )
    return data[start:end]
