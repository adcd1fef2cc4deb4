"""TIFF 6.0 and BigTIFF: a directory of tags that may point anywhere in the file."""

import math
import struct
from dataclasses import dataclass

from resviz.data.formats.header import MAX_PIXELS, Header
from resviz.data.formats.jpeg import MAX_SCANNED
from resviz.errors import ImageError

MAX_PIECES = 20_000  # Pillow handles each strip and tile of an uncompressed file in Python

# bytes of a value by its type; types 1 to 13 are of TIFF 6.0, 16 to 18 of BigTIFF
_BYTES = dict(enumerate((1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4), start=1)) | {16: 8, 17: 8, 18: 8}
_WHOLE = {1: "B", 3: "H", 4: "I", 16: "Q"}
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION = 256, 257, 258, 262, 274
_STRIPS, _ROWS, _STRIP_BYTES = 273, 278, 279
_TILES, _TILE_WIDTH, _TILE_HEIGHT, _TILE_BYTES = 324, 322, 323, 325
_COMPRESSION, _JPEG = 259, 7
_ONE_NUMBER = frozenset({256, 257, 259, 262, 266, 277, 278, 284, 292, 293, 317, 322, 323})
_LONG_LISTS = frozenset({273, 279, 320, 324, 325, 347})  # strips, colours, tiles, JPEG tables
_NEEDED = _ONE_NUMBER | _LONG_LISTS | {258, 338, 339, 529, 530, 531, 532, 50674}


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: int
    count: int
    at: int  # where the value stands
    row: bytes  # the entry as it stands in the directory

    @property
    def length(self) -> int:
        return _BYTES[self.kind] * self.count


@dataclass(frozen=True, slots=True)
class _Directory:
    data: bytes
    order: str
    big: bool
    entries: dict[int, _Entry]
    start: int
    following: int  # where the next page is described, 0 for none

    def numbers(self, tag: int, default: int) -> tuple[int, ...]:
        """The whole numbers of one tag."""
        if tag not in self.entries:
            return (default,)
        entry = self.entries[tag]
        layout = f"{self.order}{entry.count}{_WHOLE[entry.kind]}"
        return struct.unpack_from(layout, self.data, entry.at)

    def number(self, tag: int, default: int) -> int:
        """The first of them, for tags that hold one."""
        return self.numbers(tag, default)[0]

    def piece_size(self) -> tuple[int, int]:
        """Width and height of a tile, or of a strip."""
        width, height = self.number(_WIDTH, 0), self.number(_HEIGHT, 0)
        rows = self.number(_ROWS, 2**32 - 1)
        return self.number(_TILE_WIDTH, width), self.number(_TILE_HEIGHT, min(rows, height))


def read(data: bytes) -> Header:
    """The first page, with the tags that say how its pixels are stored."""
    tags = _directory(data)
    needed = {tag: entry for tag, entry in tags.entries.items() if tag in _NEEDED}
    _check_values(needed, len(data))
    _check_pieces(tags, needed)
    _check_packed(tags)
    turned = tags.number(_ORIENTATION, 1)
    return Header(
        format="TIFF",
        size=(tags.number(_WIDTH, 0), tags.number(_HEIGHT, 0)),
        file=_with_only(needed, tags),
        orientation=turned if 1 <= turned <= 8 else 1,
        frames=0 if tags.following else 1,
        depth=tags.number(_BITS, 1),
        white_is_zero=tags.number(_PHOTOMETRIC, 0) == 0,
    )


def _directory(data: bytes) -> _Directory:
    order, big = {b"II": "<", b"MM": ">"}[data[:2]], 43 in data[2:4]
    word, long = ("Q", "Q") if big else ("H", "I")
    (start,) = struct.unpack_from(order + long, data, 8 if big else 4)
    (count,) = struct.unpack_from(order + word, data, start)
    at = start + struct.calcsize(word)
    entries: dict[int, _Entry] = {}
    for _ in range(count):
        tag, entry = _entry(data, at, order + long)
        entries.setdefault(tag, entry)
        at += len(entry.row)
    (following,) = struct.unpack_from(order + long, data, at)
    return _Directory(data, order, big, entries, start, following)


def _entry(data: bytes, at: int, long: str) -> tuple[int, _Entry]:
    """The tag of one row; its value stands in the row where it fits, else where the row says."""
    inline = struct.calcsize(long)
    tag, kind, count = struct.unpack_from(long[0] + "HH" + long[1:], data, at)
    here = at + 4 + inline
    fits = _BYTES.get(kind, 0) * count <= inline
    value = here if fits else struct.unpack_from(long, data, here)[0]
    return tag, _Entry(kind, count, value, data[at : here + inline])


def _check_values(needed: dict[int, _Entry], size: int) -> None:
    """Every value lies within the file, together no longer than it, and lone numbers are alone."""
    for tag, entry in needed.items():
        most = 1 if tag in _ONE_NUMBER else 200_000 if tag in _LONG_LISTS else 64
        whole = entry.kind in (3, 4, 16) or tag not in _ONE_NUMBER
        if not whole or not 1 <= entry.count <= most or entry.at + entry.length > size:
            raise ValueError(f"tag {tag} contradicts the file")
    if sum(entry.length for entry in needed.values()) > size:
        raise ValueError("the tags are larger than the file")


def _check_pieces(tags: _Directory, needed: dict[int, _Entry]) -> None:
    """Strips or tiles can be counted, and are not larger than the picture may be."""
    width, height = tags.number(_WIDTH, 0), tags.number(_HEIGHT, 0)
    across, down = tags.piece_size()
    if not across or not down:
        raise ValueError("pieces without pixels")
    counts = [needed[tag].count for tag in (_STRIPS, _TILES) if tag in needed]
    pieces = max(math.ceil(width / across) * math.ceil(height / down), *counts, 1)
    if pieces > MAX_PIECES or across * down > max(MAX_PIXELS, width * height):
        raise ImageError(
            "The TIFF is cut into {pieces:,} pieces of {across} x {down} pixels; save it as PNG.",
            pieces=pieces,
            across=across,
            down=down,
        )


def _check_packed(tags: _Directory) -> None:
    """Packed pieces do not overlap, and hold no more JPEG scans than a JPEG may."""
    compression = tags.number(_COMPRESSION, 1)
    across, down = tags.piece_size()
    scans = tags.data.count(b"\xff\xda") if compression == _JPEG else 0
    if scans * across * down > MAX_SCANNED:
        raise ImageError(
            "The TIFF is built of {scans:,} JPEG scans, more than usual; save it again as PNG.",
            scans=scans,
        )
    packed = sum(tags.numbers(_STRIP_BYTES, 0)) + sum(tags.numbers(_TILE_BYTES, 0))
    if compression != 1 and packed > 2 * len(tags.data):
        raise ValueError("the pieces are larger than the file")


def _with_only(needed: dict[int, _Entry], tags: _Directory) -> bytes:
    """The file with these tags alone in its directory, and no further page.

    The directory stays where it is: bytes after the end would stand in for pixels that are missing
    there.
    """
    word, long = ("Q", "Q") if tags.big else ("H", "I")
    rows = b"".join(needed[tag].row for tag in sorted(needed))
    count, no_page = struct.pack(tags.order + word, len(needed)), struct.pack(tags.order + long, 0)
    directory = count + rows + no_page
    return tags.data[: tags.start] + directory + tags.data[tags.start + len(directory) :]
