"""What a picture file claims about itself, read from its bytes before any decoder runs.

A decoder believes its input: a few kilobytes can ask Pillow for minutes or gigabytes (a thousand
progressive scans, two million empty segments, an AVIF frame of 144 megapixels that says it has 64 x
64). So each reader here walks its format once, in time linear in the number of bytes, and hands on
a file stripped to what the first picture needs: sizes are known before memory is taken, and
metadata, later frames and thumbnails never reach a decoder.

Pillow alone does not refuse these. With a reader replaced by `Image.open` of Pillow 13.0.0, these
files of at most 10 MB took more than a second or 500 MB (the tests have each of them):

| kind | what Pillow does with it | so its reader here |
|---|---|---|
| PNG | unpacks texts and profiles | drops them, and checks what the picture is made of |
| JPEG | decodes thousands of scans, walks millions of segments | counts both |
| WebP | takes memory for a canvas of any size as it opens the file | reads its size first |
| GIF | joins comments one by one, which grows with their square | drops them |
| BMP | unpacks run lengths in Python | limits their bytes |
| TIFF | reads tags of any length, walks strips, tiles and pages | keeps the tags of one picture |
| AVIF | walks millions of boxes, takes frames of 268 megapixels | counts both, reads AV1 |
| EXIF | reads every tag, each as long as the file | reads the one tag that is needed |

What Pillow does well is left to it: every decoding, palettes, colour spaces, interlacing.

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
