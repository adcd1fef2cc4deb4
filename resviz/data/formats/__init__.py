"""What a picture file claims about itself, read from its bytes before any decoder runs.

A decoder believes its input: a few kilobytes can ask Pillow for minutes or gigabytes (a thousand
progressive scans, two million empty segments, an AVIF frame of 144 megapixels that says it has 64 x
64). So each reader here walks its format once, in time linear in the number of bytes, and hands on
a file stripped to what the first picture needs: sizes are known before memory is taken, and
metadata, later frames and thumbnails never reach a decoder.

Readers raise `ValueError`, `LookupError`, `ArithmeticError` or `struct.error` where a file
contradicts itself, which `images.decode` calls damage, and `ImageError` where it is sound but asks
for too much work.
"""

from collections.abc import Callable

from resviz.data.formats import avif, jpeg, png, raster, tiff
from resviz.data.formats.header import Header, orientation

READERS: dict[str, Callable[[bytes], Header]] = {
    "PNG": png.read,
    "JPEG": jpeg.read,
    "WebP": raster.read_webp,
    "GIF": raster.read_gif,
    "BMP": raster.read_bmp,
    "TIFF": tiff.read,
    "AVIF": avif.read,
}

__all__ = ["READERS", "Header", "orientation"]
