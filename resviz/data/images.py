"""Bytes of a file -> an RGB picture, or a refusal in one sentence with the way out.

The one decoder of uploads, the command line and datasets. What a file is decides its content, never
its name. Whatever can be refused from the header is refused before a pixel is decoded: `formats`
reads the claims of a file and strips it, this module checks the claims and lets Pillow decode what
is left, and `modes` brings every mode to 8-bit RGB. The result is upright, opaque on white, the
first frame only; `Picture.notes` says what was done, in sentences for a caption.
"""

import hashlib
import io
import struct
from dataclasses import dataclass
from pathlib import Path

from PIL import (  # the plugins by name, or Pillow loads all fifty
    AvifImagePlugin,  # noqa: F401
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    Image,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    WebPImagePlugin,  # noqa: F401
)

from resviz.data import formats
from resviz.data.formats import magic
from resviz.data.formats.header import MAX_PIXELS, Header, Size
from resviz.data.modes import to_rgb
from resviz.errors import ImageError, Sentence

MAX_BYTES = 25 * 2**20  # phones write photos of 12 MB
MAX_DRAFT = 64_000_000  # pixels of a JPEG, which is decoded at half its size or less
MIN_SIDE, MAX_SIDE = 16, 12_000
MAX_ASPECT = 20

_TURN = {  # EXIF orientation -> what makes it upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded file. `image` is RGB and upright."""

    image: Image.Image
    format: str
    original_size: Size  # width and height as the file stores them, before any turning
    notes: tuple[Sentence, ...]
    sha256: str  # of the file's bytes


def open_file(path: Path) -> Picture:
    """`decode` a file, of which no more than the limit is read; raises `ImageError`."""
    try:
        return decode(_read(path))
    except FileNotFoundError:
        raise ImageError("There is no file {path}; check the spelling.", path=path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(
            "{path} cannot be read ({reason}); check the path and who may read it.",
            path=path,
            reason=reason,
        ) from error


def decode(data: bytes, min_side: int = MIN_SIDE) -> Picture:
    """Decode a picture file of any of the seven kinds that resviz reads, told by its content.

    Args:
        data: the bytes of a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file.
        min_side: pixels that the shorter side must have; datasets allow smaller pictures.

    Returns:
        The picture in 8-bit RGB, upright (EXIF) and opaque on white: its first frame, values of
        more than 8 bits scaled. `notes` say in sentences what was done.

    Raises:
        ImageError: there is no such picture, or one beyond the limits of size and work.

    Example:
        >>> from resviz.data import samples
        >>> picture = decode(samples.read("dog"))
        >>> picture.format, picture.image.mode, picture.image.size
        ('JPEG', 'RGB', (512, 341))

    Reference:
        W3C PNG (third edition), ISO/IEC 10918-1 (JPEG), RFC 9649 (WebP), TIFF 6.0, AV1 image file
        format 1.1; the orientation is tag 274 of Exif 2.32.
    """
    _check_length(len(data))
    kind = magic.kind(data)
    if kind is None:
        raise _unknown(data)
    header = _header(kind, data)
    check_size(header.size, min_side, _most(header))
    source = _load(kind, header, min_side)
    size = header.size if header.can_shrink else source.size
    frame_notes = _frame_notes(source, header)
    orientation = max(header.orientation, formats.orientation(source.info.get("exif", b"")))
    image, notes = to_rgb(source, header)
    if source.width < size[0]:
        notes.append(
            Sentence(
                "Scaled down from {width:,} x {height:,} pixels.", width=size[0], height=size[1]
            )
        )
    del source  # with its decoder, up to 300 MB
    if orientation in _TURN:
        image = image.transpose(_TURN[orientation])
        notes.append(Sentence("Turned upright as the camera noted (EXIF)."))
    if image.getcolors(1):  # gives up at the second colour
        notes.append(
            Sentence("The picture is one single colour, with nothing to recognise; choose a photo.")
        )
    return Picture(image, kind, size, (*frame_notes, *notes), hashlib.sha256(data).hexdigest())


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise ImageError("{path} is a folder; name one picture in it.", path=path)
    if path.exists() and not path.is_file():
        raise ImageError("{path} is not an ordinary file; name a picture.", path=path)
    _check_length(path.stat().st_size)
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)  # one byte more, should it have grown


def _header(kind: str, data: bytes) -> Header:
    """The claims of the file; what contradicts itself is damage."""
    try:
        return formats.READERS[kind](data)
    except (ValueError, LookupError, ArithmeticError, struct.error) as error:
        raise _damaged(kind) from error


def _most(header: Header) -> int:
    return MAX_DRAFT if header.can_shrink else MAX_PIXELS


def check_size(size: Size, min_side: int = MIN_SIDE, most: int = MAX_PIXELS) -> None:
    """Refuse a picture that is too large, too small or too long; raises `ImageError`."""
    width, height = size
    if width * height > most:
        product = f"{width:,} x {height:,} = {width * height / 1e6:,.2f}"
        raise ImageError(
            "The picture has {product} megapixels, and {limit:.0f} is the limit; scale it down.",
            product=product,
            limit=most / 1e6,
        )
    if not min_side <= min(size) <= max(size) <= MAX_SIDE:
        allowed = f"{min_side} to {MAX_SIDE:,}"
        raise ImageError(
            "The picture has {width:,} x {height:,} pixels, a side may have {allowed}; scale it.",
            width=width,
            height=height,
            allowed=allowed,
        )
    if max(size) > MAX_ASPECT * min(size):
        shape = f"{width:,} x {height:,} pixels, {max(size) / min(size):.3g}:1"
        raise ImageError(
            "The picture has {shape}, and {limit}:1 is the limit; crop it.",
            shape=shape,
            limit=MAX_ASPECT,
        )


def _check_length(length: int) -> None:
    if not length:
        raise ImageError("The file is empty; choose a PNG or JPEG picture.")
    if length > MAX_BYTES:
        raise ImageError(
            "The file has {length:,} bytes, {limit:,} (25 MB) is the limit; save a smaller JPEG.",
            length=length,
            limit=MAX_BYTES,
        )


def _unknown(data: bytes) -> ImageError:
    looks = magic.looks_like(data)
    if looks:
        return ImageError(
            "This looks like {kind}, which resviz cannot read; save it as PNG or JPEG.", kind=looks
        )
    kinds = ", ".join(magic.READ)
    return ImageError(
        "This is none of the kinds of picture that resviz reads ({kinds}); save it as PNG or JPEG.",
        kinds=kinds,
    )


def _damaged(kind: str) -> ImageError:
    return ImageError(
        "The {kind} file is damaged or incomplete; open it elsewhere and save it as PNG or JPEG.",
        kind=kind,
    )


def _load(kind: str, header: Header, min_side: int) -> Image.Image:
    """The pixels in the mode of the file; whatever Pillow objects to is damage."""
    try:
        source = Image.open(io.BytesIO(header.file), formats=(header.format,))
        check_size(source.size, min_side, _most(header))
        if source.width * source.height > MAX_PIXELS:
            source.draft(None, (source.width // 2, source.height // 2))
        source.load()
        if source.mode in ("P", "PA") and not source.palette:
            raise ValueError("colours are numbered, and there is no list of them")
    except ImageError:
        raise
    except Exception as error:
        # from a hostile file Pillow raises nearly every type, MemoryError included
        raise _damaged(kind) from error
    return source


def _frame_notes(source: Image.Image, header: Header) -> list[Sentence]:
    """A note that there is more in the file, where there is."""
    frames = header.frames if header.frames != 1 else getattr(source, "n_frames", 1)
    if frames == 0:
        return [Sentence("The first of several pictures in the file is shown.")]
    if frames > 1:
        return [Sentence("The first of {frames:,} frames is shown.", frames=frames)]
    return []
