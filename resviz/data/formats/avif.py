"""AVIF: boxes (ISO/IEC 14496-12) around AV1 frames (AV1 specification, sections 5.3 to 5.5).

The box `ispe` names the size that the file wants to be seen in; libavif decodes whatever frame the
AV1 data hold and scales it to that. Only the sequence headers tell what decoding costs, so this
module finds and reads them.
"""

import struct
from collections.abc import Iterator
from itertools import islice

from resviz.data.formats.header import MAX_PIXELS, Header, Size
from resviz.errors import ImageError

MAX_BOXES, MAX_ITEMS = 10_000, 512
MAX_COPIED = 2**26  # bytes over all items, which may share them
# pixels over all frames of all items: picture, transparency, layers, thumbnails
MAX_FRAMED = 8 * MAX_PIXELS
# after so many bytes
_HOLDS_BOXES = {b"meta": 4, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0}

Box = tuple[bytes, int, int]  # kind, start and end of the body


def read(data: bytes) -> Header:
    """The largest AV1 frame, and the file without EXIF: boxes `irot` and `imir` turn an AVIF."""
    boxes = list(islice(_boxes(data, 0, len(data)), MAX_BOXES))
    frames: list[Size] = []
    for item in islice(_items(data, boxes), MAX_ITEMS):
        frames += islice(_frames(item), MAX_ITEMS)
    if len(boxes) == MAX_BOXES or len(frames) >= MAX_ITEMS:
        raise ValueError("too many boxes or frames")
    size = max(frames, key=lambda frame: frame[0] * frame[1])
    if sum(width * height for width, height in frames) > MAX_FRAMED:
        raise ImageError(
            "The AVIF holds {count:,} frames of up to {width} x {height}; save it again as PNG.",
            count=len(frames),
            width=size[0],
            height=size[1],
        )
    return Header(format="AVIF", size=size, file=_without_exif(data, boxes))


def _boxes(data: bytes, at: int, end: int, depth: int = 0) -> Iterator[Box]:
    """All boxes, those within `moov` and `meta` included."""
    while at + 8 <= end and depth < 8:
        size, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1:
            (size,), body = struct.unpack_from(">Q", data, body), at + 16
        after = at + size if size else end
        if not body <= after <= end:
            raise ValueError("a box is larger than what holds it")
        yield kind, body, after
        if kind in _HOLDS_BOXES:
            yield from _boxes(data, body + _HOLDS_BOXES[kind], after, depth + 1)
        at = after


def _without_exif(data: bytes, boxes: list[Box]) -> bytes:
    metas = [(start, end) for kind, start, end in boxes if kind == b"meta"]
    if len(metas) > 8:
        raise ValueError("too many descriptions")
    for start, end in metas:
        data = data[:start] + data[start:end].replace(b"Exif", b"none") + data[end:]
    return data


# Where the AV1 data lie


def _items(data: bytes, boxes: list[Box]) -> Iterator[bytes]:
    """The items of a still picture and the first sample of each track of an animation."""
    yield from _first_samples(data, boxes)
    inline = next((start for kind, start, _ in boxes if kind == b"idat"), 0)
    for kind, start, _ in boxes:
        if kind == b"iloc":
            yield from _Locations(data, start).items(inline)


def _first_samples(data: bytes, boxes: list[Box]) -> Iterator[bytes]:
    """The first sample of each track: its size is in `stsz`, its place in `stco` or `co64`."""
    sizes = [start for kind, start, _ in boxes if kind == b"stsz"]
    chunks = [(kind, start) for kind, start, _ in boxes if kind in (b"stco", b"co64")]
    for size_at, (kind, start) in zip(sizes, chunks, strict=True):
        alike, first = struct.unpack_from(">4xI4xI", data, size_at)
        (offset,) = struct.unpack_from(">Q" if kind == b"co64" else ">I", data, start + 8)
        yield data[offset : offset + (alike or first)]


class _Locations:
    """The box `iloc`: where the items lie, in fields of sizes that the box itself chooses."""

    def __init__(self, data: bytes, start: int) -> None:
        self.data, self.at = data, start + 4
        self.version = data[start]
        self.copied = 0

    def number(self, size: int) -> int:
        """The next field; a field of no bytes is 0."""
        self.at += size
        if self.at > len(self.data):
            raise ValueError("a box ends early")
        return int.from_bytes(self.data[self.at - size : self.at], "big")

    def items(self, inline: int) -> Iterator[bytes]:
        """The bytes of each item, its extents joined."""
        sizes = self.number(2)
        offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
        wide = 4 if self.version > 1 else 2
        for _ in range(self.number(wide)):
            self.number(wide)
            method = self.number(2) & 15 if self.version else 0
            self.number(2)
            start = self.number(base) + (inline if method == 1 else 0)
            yield self.extents(start, (offset, length, index if self.version else 0))

    def extents(self, start: int, sizes: tuple[int, int, int]) -> bytes:
        """The pieces of one item, joined."""
        return b"".join([self.extent(start, *sizes) for _ in range(self.number(2))])

    def extent(self, start: int, offset: int, length: int, index: int) -> bytes:
        """One piece; `offset`, `length` and `index` are the sizes of its fields."""
        self.number(index)
        first = start + self.number(offset)
        part = self.data[first : first + (self.number(length) or len(self.data))]
        self.copied += 1 + len(part)
        if self.copied > MAX_COPIED:
            raise ValueError("the items are larger than the file")
        return part


# What the AV1 data announce


def _frames(data: bytes) -> Iterator[Size]:
    """The size of each frame in one stretch of data."""
    at, size = 0, None
    for _ in range(MAX_ITEMS):
        if at >= len(data) or data[at] & 0x80:
            return
        kind, extended, sized = data[at] >> 3 & 15, data[at] >> 2 & 1, data[at] >> 1 & 1
        at += 1 + extended
        length, at = _leb128(data, at) if sized else (len(data) - at, at)
        if kind == 1:
            size = _Bits(data[at : at + length]).sequence_size()
        elif kind in (3, 6) and size:  # a frame header, alone or with its tiles
            yield size
        at += length


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, and where it ends."""
    value = 0
    for shift in range(0, 56, 7):
        byte = data[at]
        value, at = value | (byte & 0x7F) << shift, at + 1
        if byte < 0x80:
            break
    return value, at


class _Bits:
    """A sequence header, read bit by bit."""

    def __init__(self, data: bytes) -> None:
        self.bits = "".join(f"{byte:08b}" for byte in data[:256])
        self.at = 0

    def take(self, count: int) -> int:
        self.at += count
        return int(self.bits[self.at - count : self.at] or "0", 2)

    def sequence_size(self) -> Size:
        """`max_frame_width_minus_1` and `max_frame_height_minus_1`, plus 1."""
        reduced = self.take(5) & 1  # after seq_profile and still_picture
        self.take(5) if reduced else self._operating_points()
        across, down = self.take(4) + 1, self.take(4) + 1
        size = (self.take(across) + 1, self.take(down) + 1)
        # a frame may then override the size with as many bits
        if not reduced and across + down > 26:
            raise ImageError(
                "The AVIF allows frames of up to {width} x {height} pixels; save it as PNG.",
                width=1 << across,
                height=1 << down,
            )
        return size

    def _operating_points(self) -> None:
        delay_bits = self._timing() if self.take(1) else 0
        display_delay = self.take(1)
        for _ in range(self.take(5) + 1):
            self.take(12)
            self.take(1 if self.take(5) > 7 else 0)
            if delay_bits and self.take(1):
                self.take(2 * delay_bits + 1)
            if display_delay and self.take(1):
                self.take(4)

    def _timing(self) -> int:
        """How many bits a decoder delay has, 0 without a decoder model."""
        self.take(64)
        if self.take(1):
            zeros = len(self.bits[self.at :]) - len(self.bits[self.at :].lstrip("0"))
            self.take(2 * zeros + 1)
        if not self.take(1):
            return 0
        delay_bits = self.take(5) + 1
        self.take(42)
        return delay_bits
