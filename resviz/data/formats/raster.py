"""GIF89a, Windows BMP and WebP (RFC 9649): formats whose size stands at a fixed place."""

import struct
from collections.abc import Iterator

from resviz.data.formats.header import Header, Size
from resviz.errors import ImageError

# Pillow unpacks run-length coded BMP in Python: 0.4 s for this many bytes
MAX_RUN_LENGTH_BYTES = 2**20
_EXTENSION, _IMAGE, _GRAPHIC_CONTROL = 0x21, 0x2C, 0xF9


def read_gif(data: bytes) -> Header:
    """The first frame with its graphic control; the others are only counted."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    start = 13 + _table(flags)
    control, first, frames = b"", b"", 0
    for at, after in _gif_blocks(data, start):
        if data[at] == _IMAGE:
            first = first or data[at:after]
            frames += 1
        elif data[at + 1] == _GRAPHIC_CONTROL and not frames:
            control = data[at:after]
    left, top, across, down = struct.unpack_from("<HHHH", first, 1)
    size = (max(width, left + across), max(height, top + down))  # a frame may grow the screen
    file = data[:start] + control + first + b";"
    return Header(format="GIF", size=size, file=file, frames=frames)


def _gif_blocks(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Where each extension and each frame starts and ends."""
    while at < len(data) and data[at] in (_EXTENSION, _IMAGE):
        extension = data[at] == _EXTENSION
        body = at + 2 if extension else at + 11 + _table(data[at + 9])
        after = _after_blocks(data, body)
        yield at, after
        at = after


def _table(flags: int) -> int:
    """Bytes of the colour table that these flags announce."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    """Where a chain of sub-blocks, each with its length in front, ends."""
    while length := data[at]:
        at += 1 + length
    return at + 1


def read_bmp(data: bytes) -> Header:
    """Width and height; a negative height means that the top row comes first."""
    (length,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if length == 12 else "<ii", data, 18)
    packed = length > 12 and struct.unpack_from("<I", data, 30)[0] in (1, 2)
    if packed and len(data) > MAX_RUN_LENGTH_BYTES:
        raise ImageError(
            "The run-length coded BMP has {count:,} bytes, and 1 MB is the limit; save it as PNG.",
            count=len(data),
        )
    return Header(format="BMP", size=(width, abs(height)), file=data)


def read_webp(data: bytes) -> Header:
    """Size of the canvas, or of the only frame."""
    return Header(format="WEBP", size=_webp_size(data), file=data)


def _webp_size(data: bytes) -> Size:
    """RFC 9649: of the extended, the lossless and the lossy format."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return 1 + width, 1 + height
    if kind == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("no WebP frame")
