"""PNG, W3C third edition: chunks, each with length, kind, body and checksum."""

import struct
import zlib
from collections.abc import Iterator

from resviz.data.formats.header import MAX_PIECES, Header, orientation

_MAKE_THE_PICTURE = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_SAY_SOMETHING = (b"eXIf", b"acTL")  # how the camera was held; how many frames an animation has


def read(data: bytes) -> Header:
    """Header, palette, transparency and pixels, without texts and profiles."""
    chunks: dict[bytes, list[bytes]] = {}
    for kind, body in _chunks(data):
        if kind in _MAKE_THE_PICTURE or kind in _SAY_SOMETHING:
            chunks.setdefault(kind, []).append(body)
    if next(iter(chunks)) != b"IHDR":
        raise ValueError("the header does not come first")
    width, height, depth = struct.unpack_from(">IIB", chunks[b"IHDR"][0])
    return Header(
        format="PNG",
        size=(width, height),
        file=data[:8] + _stripped(chunks),
        orientation=orientation(chunks.get(b"eXIf", [b""])[0]),
        frames=_frames(chunks),
        depth=depth,
    )


def _stripped(chunks: dict[bytes, list[bytes]]) -> bytes:
    """What makes the picture, in its order; the pieces of the pixels as one."""
    bodies = {kind: chunks[kind][0] for kind in _MAKE_THE_PICTURE if kind in chunks}
    bodies[b"IDAT"] = b"".join(chunks[b"IDAT"])
    return b"".join(_chunk(kind, body) for kind, body in bodies.items())


def _frames(chunks: dict[bytes, list[bytes]]) -> int:
    if b"acTL" not in chunks:
        return 1
    return int(struct.unpack_from(">I", chunks[b"acTL"][0])[0])


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each chunk; those that make the picture have a right checksum."""
    at = 8
    for _ in range(MAX_PIECES):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if kind in _MAKE_THE_PICTURE and checksum != zlib.crc32(kind + body):
            raise ValueError("wrong checksum")
        yield kind, body
        if kind == b"IEND":
            return
        at += 12 + length
    raise ValueError("too many chunks")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))
