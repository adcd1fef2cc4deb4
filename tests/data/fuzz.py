"""Damage small picture files in many ways and decode them.

`python -W error -m tests.data.fuzz 20000 1` reports.

It runs in a process of its own, so that the peak of memory is its own as well.
"""

import json
import random
import resource
import struct
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from PIL import Image

from resviz.data.images import Picture, decode
from resviz.errors import ImageError
from tests.data.pictures import H, W, encode, scene, see_through

Mutation = Callable[[bytes, random.Random], bytes]


@dataclass
class Report:
    """What happened: `failures` lists everything that was neither a sound picture nor a refusal in
    one sentence.
    """

    files: int = 0
    pictures: Counter[str] = field(default_factory=Counter)  # by format
    refusals: Counter[str] = field(default_factory=Counter)  # by the first words
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0  # seconds of the processor for one file, all threads together
    slowest_file: str = ""
    seconds: float = 0.0
    growth: int = 0  # KiB of memory above the start, at the peak


def seeds() -> dict[str, bytes]:
    """One small file of every format and mode that can be written."""
    turned, again = Image.Exif(), scene().rotate(90)
    turned[0x112] = 6
    makers = {
        **{f"PNG {mode}": ("PNG", scene(mode), {}) for mode in ("1", "L", "P", "RGB", "I;16")},
        **{
            f"TIFF {mode}": ("TIFF", scene(mode), {})
            for mode in ("1", "L", "P", "RGB", "CMYK", "LAB", "I", "F")
        },
        **{
            f"TIFF {c}": ("TIFF", scene(), {"compression": c})
            for c in ("tiff_lzw", "zstd", "lzma", "jpeg", "packbits")
        },
        **{f"BMP {mode}": ("BMP", scene(mode), {}) for mode in ("1", "P", "RGB")},
        "PNG alpha": ("PNG", see_through(), {"exif": turned}),
        "PNG animated": ("PNG", scene(), {"save_all": True, "append_images": [again]}),
        "TIFF tiles": ("TIFF", scene(), {"compression": "tiff_adobe_deflate", "tile": (16, 16)}),
        "TIFF fax": ("TIFF", scene("1"), {"compression": "group4"}),
        "TIFF big": ("TIFF", scene("L"), {"big_tiff": True, "exif": turned}),
        "TIFF pages": ("TIFF", scene("L"), {"save_all": True, "append_images": [scene("L")]}),
        "JPEG": ("JPEG", scene(), {"exif": turned}),
        "JPEG progressive": ("JPEG", scene(), {"progressive": True}),
        "JPEG inks": ("JPEG", scene("CMYK"), {}),
        "JPEG views": ("MPO", scene(), {"save_all": True, "append_images": [again]}),
        "GIF": ("GIF", scene("P"), {}),
        "GIF animated": (
            "GIF",
            scene("P"),
            {"save_all": True, "append_images": [again.convert("P")], "comment": b"a"},
        ),
        "WebP": ("WEBP", scene(), {"exif": turned}),
        "WebP lossless": ("WEBP", see_through(), {"lossless": True}),
        "WebP animated": ("WEBP", scene(), {"save_all": True, "append_images": [again]}),
        "AVIF": ("AVIF", scene(), {"exif": turned}),
        "AVIF alpha": ("AVIF", see_through(), {}),
        "AVIF animated": ("AVIF", scene(), {"save_all": True, "append_images": [again]}),
    }
    return {
        name: encode(image, file_format, **options)
        for name, (file_format, image, options) in makers.items()
    }


# Mutations


def flip(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 40))):
        out[_somewhere(out, rng)] ^= 1 << rng.randrange(8)
    return bytes(out)


def overwrite(data: bytes, rng: random.Random) -> bytes:
    """Numbers at the edge of what their field holds."""
    at, size = _somewhere(data, rng), rng.choice((1, 2, 4, 8))
    number = rng.choice(
        (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**64 - 1, rng.getrandbits(64))
    )
    order = rng.choice(("little", "big"))
    return data[:at] + (number % 2 ** (8 * size)).to_bytes(size, order) + data[at + size :]


def truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def cut(data: bytes, rng: random.Random) -> bytes:
    a, b = _span(data, rng)
    return data[:a] + data[b:]


def repeat(data: bytes, rng: random.Random) -> bytes:
    a, b = _span(data, rng)
    return data[:b] + data[a:b] * rng.choice((1, 1, 2, 50)) + data[b:]


def insert(data: bytes, rng: random.Random) -> bytes:
    at = _somewhere(data, rng)
    return (
        data[:at]
        + rng.choice((rng.randbytes(rng.randrange(1, 60)), bytes(30), b"\xff" * 30))
        + data[at:]
    )


def splice(data: bytes, rng: random.Random) -> bytes:
    other = rng.choice(FILES)
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


def resize(data: bytes, rng: random.Random) -> bytes:
    """Another width or height wherever the true one seems to stand."""
    forms = [
        form
        for form in ("<I", ">I", "<H", ">H", "<Q")
        for side in (W, H)
        if struct.pack(form, side) in data
    ]
    for form in rng.sample(forms, min(len(forms), rng.randrange(1, 4))):
        limit = 2 ** (8 * struct.calcsize(form)) - 1
        new = min(
            limit,
            rng.choice((0, 1, 15, 16, W + 1, 100, 3000, 4000, 6000, 12_000, 12_001, 65_535, limit)),
        )
        data = data.replace(struct.pack(form, rng.choice((W, H))), struct.pack(form, new), 1)
    return data


def rearrange(data: bytes, rng: random.Random) -> bytes:
    """Double, drop or move one part of a file that is made of parts."""
    parts = _parts(data)
    at = rng.randrange(len(parts))
    part = parts[at]
    action = rng.choice(("double", "drop", "move", "many"))
    if action in ("drop", "move"):
        del parts[at]
    if action != "drop":
        where = at if action == "double" else rng.randrange(len(parts) + 1)
        parts[where:where] = [part] * (200 if action == "many" else 1)
    return b"".join(parts)


def _parts(data: bytes) -> list[bytes]:
    """Chunks, segments or boxes, by a rough reading.

    The first part is the beginning of the file.
    """
    if data[:4] == b"\x89PNG":
        at, size = 8, lambda at: 12 + int.from_bytes(data[at : at + 4], "big")
    elif data[:2] == b"\xff\xd8":
        at, size = (
            2,
            lambda at: (
                2 + int.from_bytes(data[at + 2 : at + 4], "big") if data[at] == 255 else len(data)
            ),
        )
    elif data[4:8] == b"ftyp":
        at, size = 0, lambda at: max(8, int.from_bytes(data[at : at + 4], "big"))
    else:
        at, size = 12, lambda at: 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    parts = [data[:at]]
    while at < len(data):
        parts.append(data[at : at + size(at)])
        at += size(at)
    return parts


def _somewhere(data: bytes | bytearray, rng: random.Random) -> int:
    """A position, more often near the beginning, where headers are."""
    return rng.randrange(min(len(data), rng.choice((30, 120, len(data)))))


def _span(data: bytes, rng: random.Random) -> tuple[int, int]:
    a = _somewhere(data, rng)
    return a, min(len(data), a + rng.choice((1, 4, 30, 300)))


def repaired(data: bytes) -> bytes:
    """A PNG with right checksums, so that damage gets past them."""
    parts = _parts(data)
    bodies = [
        part[:-4] + zlib.crc32(part[4:-4]).to_bytes(4, "big")
        for part in parts[1:]
        if len(part) >= 12
    ]
    return parts[0] + b"".join(bodies)


MUTATIONS: tuple[Mutation, ...] = (
    flip,
    overwrite,
    truncate,
    cut,
    repeat,
    insert,
    splice,
    resize,
    rearrange,
)
FILES: list[bytes] = []


def mutant(rng: random.Random) -> bytes:
    data = rng.choice(FILES)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice(MUTATIONS)(data, rng)[:1_000_000] or b"\0"
    return repaired(data) if data[:4] == b"\x89PNG" and rng.random() < 0.7 else data


# Judgement


def flaw(result: Picture | BaseException) -> str | None:
    """What is wrong with an outcome, if anything."""
    if isinstance(result, Picture):
        width, height = result.image.size
        sound = (
            result.image.mode == "RGB" and min(width, height) >= 16 and width * height <= 24_000_000
        )
        sound = sound and sorted(result.image.size) == sorted(result.original_size)
        return (
            None
            if sound and all(note.endswith(".") for note in result.notes)
            else f"unsound picture: {result}"
        )
    if isinstance(result, ImageError):
        sentence = str(result)
        one = (
            sentence.endswith(".")
            and "\n" not in sentence
            and "; " in sentence
            and 30 < len(sentence) < 200
        )
        return (
            None
            if one and not isinstance(result.__cause__, Warning)
            else f"{sentence!r} from {result.__cause__!r}"
        )
    return f"raised {result!r}"


def attempt(data: bytes) -> Picture | BaseException:
    try:
        return decode(data)
    except Exception as error:  # everything is an outcome here
        return error


def run(count: int, seed: int) -> Report:
    rng, report, start = random.Random(seed), Report(), time.process_time()
    FILES[:] = seeds().values()
    for data in FILES:
        report.failures += (
            [] if isinstance(attempt(data), Picture) else [f"a seed is refused: {data[:60]!r}"]
        )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(count):
        note(report, mutant(rng))
    report.growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    report.seconds = time.process_time() - start
    return report


def note(report: Report, data: bytes) -> None:
    start = time.process_time()
    result = attempt(data)
    taken = time.process_time() - start
    if taken > report.slowest:
        report.slowest, report.slowest_file = (
            taken,
            f"{data[:60].hex()} ({len(data)} bytes): {result}",
        )
    report.files += 1
    if isinstance(result, Picture):
        report.pictures[result.format] += 1
    else:
        report.refusals[" ".join(word for word in str(result).split()[:6] if word.isalpha())] += 1
    if wrong := flaw(result):
        report.failures.append(f"{wrong} on {data[:200].hex()} ({len(data)} bytes)")


if __name__ == "__main__":
    print(json.dumps(vars(run(int(sys.argv[1]), int(sys.argv[2])))))
