"""Bytes of a file -> an RGB picture, or a refusal in one sentence with the way out.

What a file is decides its content, never its name. Whatever can be refused from the header is
refused before a pixel is decoded: `formats` reads the claims of a file and strips it, this module
checks the claims, lets Pillow decode what is left, and brings every mode to 8-bit RGB: upright,
opaque on white, the first frame only. `Picture.notes` says what was done, in sentences for a
caption.
"""

import hashlib
import io
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import (  # the plugins by name, or Pillow loads all fifty
    AvifImagePlugin,  # noqa: F401
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    Image,
    ImageCms,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    WebPImagePlugin,  # noqa: F401
)

from resviz.data import formats
from resviz.data.formats import magic
from resviz.data.formats.header import MAX_PIXELS, Header, Size
from resviz.errors import ImageError, Sentence

MAX_BYTES = 10 * 2**20
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
    """A decoded file: `image` is RGB and upright, `original_size` is width and height as the file stores them."""

    image: Image.Image
    format: str
    original_size: Size
    notes: tuple[Sentence, ...]
    sha256: str  # of the file's bytes


def open_file(path: Path) -> Picture:
    """`decode` a file, of which no more than the limit is read; raises `ImageError`."""
    try:
        if path.is_dir():
            raise ImageError("{path} is a folder; name one picture in it.", path=path)
        if path.exists() and not path.is_file():
            raise ImageError("{path} is not an ordinary file; name a picture.", path=path)
        _check_length(path.stat().st_size)
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)  # one byte more, should it have grown
    except FileNotFoundError:
        raise ImageError("There is no file {path}; check the spelling.", path=path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(
            "{path} cannot be read ({reason}); check the path and who may read it.",
            path=path,
            reason=reason,
        ) from error
    return decode(data)


def decode(data: bytes) -> Picture:
    """The picture in these bytes; raises `ImageError` where there is none that resviz shows."""
    _check_length(len(data))
    kind = magic.kind(data)
    if kind is None:
        raise _unknown(data)
    try:
        header = formats.READERS[kind](data)
    except (ValueError, LookupError, ArithmeticError, struct.error) as error:
        raise _damaged(kind) from error
    check_size(header.size)
    source = _load(kind, header)
    size, more = source.size, _frames(source, header)
    turned = max(header.orientation, formats.orientation(source.info.get("exif", b"")))
    image, notes = _rgb(source, header)
    del source  # with its decoder, up to 300 MB
    if turned in _TURN:
        image = image.transpose(_TURN[turned])
        notes.append(Sentence("Turned upright as the camera noted (EXIF)."))
    if image.getcolors(1):  # gives up at the second colour
        notes.append(
            Sentence(
                "The picture is one single colour: there is nothing in it to recognise; choose a photo."
            )
        )
    return Picture(image, kind, size, (*more, *notes), hashlib.sha256(data).hexdigest())


def check_size(size: Size) -> None:
    """Refuse a picture that is too large, too small or too long; raises `ImageError`."""
    width, height = size
    if width * height > MAX_PIXELS:
        product = f"{width:,} x {height:,} = {width * height / 1e6:,.2f}"
        raise ImageError(
            "The picture has {product} megapixels, and 24 is the limit; scale it down.",
            product=product,
        )
    if not MIN_SIDE <= min(size) <= max(size) <= MAX_SIDE:
        allowed = f"{MIN_SIDE} to {MAX_SIDE:,}"
        raise ImageError(
            "The picture has {width:,} x {height:,} pixels, and a side may have {allowed}; scale it.",
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
            "The file has {length:,} bytes, and {limit:,} (10 MB) is the limit; save a smaller JPEG.",
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
        "The {kind} file is damaged or incomplete; open it elsewhere and save it again as PNG or JPEG.",
        kind=kind,
    )


def _load(kind: str, header: Header) -> Image.Image:
    """The pixels in the mode of the file; whatever Pillow objects to is damage."""
    try:
        source = Image.open(io.BytesIO(header.file), formats=(header.format,))
        check_size(source.size)
        source.load()
        if source.mode in ("P", "PA") and not source.palette:
            raise ValueError("colours are numbered, and there is no list of them")
    except ImageError:
        raise
    except (
        Exception
    ) as error:  # from a hostile file Pillow raises nearly every type, MemoryError included
        raise _damaged(kind) from error
    return source


def _frames(source: Image.Image, header: Header) -> list[Sentence]:
    """A note that there is more in the file, where there is."""
    frames = header.frames if header.frames != 1 else getattr(source, "n_frames", 1)
    if frames == 0:
        return [Sentence("The first of several pictures in the file is shown.")]
    return (
        [Sentence("The first of {frames:,} frames is shown.", frames=frames)] if frames > 1 else []
    )


# Every mode to 8-bit RGB: an image, and notes on what was decided


def _rgb(source: Image.Image, header: Header) -> tuple[Image.Image, list[Sentence]]:
    if source.mode.startswith("I;16"):
        return _from_16_bit(source, header)
    if source.mode in ("I", "F"):
        return _from_values(source, header)
    if source.mode == "LAB":
        lab, srgb = (
            ImageCms.ImageCmsProfile(ImageCms.createProfile(space)) for space in ("LAB", "sRGB")
        )
        return ImageCms.ImageCmsTransform(lab, srgb, "LAB", "RGB").apply(source), []
    if source.has_transparency_data:
        return _on_white(source, header)
    return source.convert("RGB"), []


def _on_white(source: Image.Image, header: Header) -> tuple[Image.Image, list[Sentence]]:
    key = source.info.get("transparency")
    if header.depth == 16 and isinstance(
        key, tuple
    ):  # Pillow keeps the high byte of the pixels, but not of the key
        source.info["transparency"] = tuple(value >> 8 for value in key)
    whole = source.convert("LA") if source.mode == "La" else source
    whole = whole if whole.mode == "RGBA" else whole.convert("RGBA")
    opacity = whole.getchannel("A")
    if opacity.getextrema() == (255, 255):
        return whole.convert("RGB"), []
    white = Image.new("RGB", whole.size, "white")
    white.paste(whole, mask=opacity)
    return white, [Sentence("Transparency was laid on white.")]


def _from_16_bit(source: Image.Image, header: Header) -> tuple[Image.Image, list[Sentence]]:
    """Unsigned values, of 16 bits or 12: the largest possible one is white."""
    values = np.asarray(source)
    shades = np.rint(np.arange(2**16) * (255 / (2**header.depth - 1))).clip(0, 255).astype(np.uint8)
    key = source.info.get("transparency")
    if isinstance(key, int):
        shades[key] = 255
    if header.white_is_zero:
        shades = 255 - shades
    note = Sentence("{depth}-bit values were scaled to 8 bits.", depth=header.depth)
    return Image.fromarray(shades[values]).convert("RGB"), [note]


def _from_values(source: Image.Image, header: Header) -> tuple[Image.Image, list[Sentence]]:
    """32-bit whole numbers or floats: 0..1, 0..255 and 0..65,535 are taken as such, else smallest to largest."""
    values = np.asarray(source)
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise ImageError("The TIFF has no finite value in it; save it again as PNG.")
    low, high = float(finite.min()), float(finite.max())
    tops = [
        top
        for top in ((1, 255) if source.mode == "F" else (255, 65_535))
        if low >= 0 and high <= top
    ]
    black, white = (0.0, float(tops[0])) if tops else (low, high)
    shades = np.empty(values.shape, np.uint8)
    for row in range(0, len(values), 256):  # in blocks, for float64 takes eight bytes a pixel
        block = np.nan_to_num(values[row : row + 256], nan=black, posinf=white, neginf=black)
        shades[row : row + 256] = np.rint(
            (block.astype(np.float64) - black) * (255 / ((white - black) or 1))
        )
    if header.white_is_zero:
        np.subtract(255, shades, out=shades)
    scaled = Sentence(
        "Values from {black:g} to {white:g} were scaled to 0 to 255.", black=black, white=white
    )
    notes = [scaled] if (black, white) != (0, 255) else []
    if finite.size < values.size:
        notes.append(Sentence("Values that are not a number are shown black."))
    return Image.fromarray(shades).convert("RGB"), notes
