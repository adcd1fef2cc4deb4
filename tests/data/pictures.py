"""Small picture files for tests.

One maker per format, and the parts of files that Pillow cannot write.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image

W, H = 48, 40


def scene(mode: str = "RGB", size: tuple[int, int] = (W, H)) -> Image.Image:
    """A picture without any symmetry, smooth enough for lossy formats."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    red, green = 255 * x / (width - 1), 255 * y / (height - 1)
    blue = 255 * np.exp(-((x - width / 4) ** 2 + (y - height / 3) ** 2) / width)
    rgb = Image.fromarray(np.dstack([red, green, blue]).astype(np.uint8))
    return Image.merge("LAB", rgb.split()) if mode == "LAB" else rgb.convert(mode)


def see_through(mode: str = "RGBA") -> Image.Image:
    """The scene, ever more opaque from left to right."""
    image = scene("RGB").convert(mode.removesuffix("A") or "L").convert(mode)
    image.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, W).astype(np.uint8), (H, 1))))
    return image


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.copy().save(
        file, file_format, **options
    )  # a copy, for Pillow remembers how an image was saved before
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))


def png(size: tuple[int, int], depth: int, colour: int, rows: list[bytes], *more: bytes) -> bytes:
    """A PNG of raw rows, with other chunks between header and pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + pixels + chunk(b"IEND", b"")


def tiff(
    pixels: bytes, tags: dict[int, int | list[int]], order: str = "<", following: int = 0
) -> bytes:
    """A TIFF of one strip at byte 8 and these tags, each of type LONG.

    The order of bytes is < or >.
    """
    tags = {259: 1, 262: 1, 273: 8, 277: 1, 279: len(pixels)} | tags
    directory, rows, far = 8 + len(pixels), [], bytearray()
    beyond = directory + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        values = value if isinstance(value, list) else [value]
        packed = struct.pack(f"{order}{len(values)}I", *values)
        place = packed if len(values) == 1 else struct.pack(f"{order}I", beyond + len(far))
        far += packed if len(values) > 1 else b""
        rows.append(struct.pack(f"{order}HHI", tag, 4, len(values)) + place)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", directory)
    listed = (
        struct.pack(f"{order}H", len(tags)) + b"".join(rows) + struct.pack(f"{order}I", following)
    )
    return head + pixels + listed + far


WHOLE = {
    "PNG": encode(scene(), "PNG"),
    "PNG palette": encode(scene("P"), "PNG"),
    "JPEG": encode(scene(), "JPEG"),
    "JPEG progressive": encode(scene(), "JPEG", progressive=True),
    "GIF": encode(scene("P"), "GIF")[:-1],  # less its last byte, which nobody misses
    "BMP": encode(scene(), "BMP"),
    "WebP": encode(scene(), "WEBP"),
    "WebP lossless": encode(scene(), "WEBP", lossless=True),
    "TIFF": encode(scene(), "TIFF"),
    "TIFF packed": encode(scene(), "TIFF", compression="tiff_lzw"),
    "AVIF": encode(scene(), "AVIF"),
}
