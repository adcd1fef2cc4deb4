"""Every mode that a picture file may have, as 8-bit RGB: opaque on white, wide values scaled.

Each function returns an image and notes on what was decided, in sentences for a caption.
"""

import numpy as np
from PIL import Image, ImageCms

from resviz.data.formats.header import Header
from resviz.errors import ImageError, Sentence

Converted = tuple[Image.Image, list[Sentence]]
_ROWS = 256  # that are scaled at a time: float64 takes eight bytes a pixel


def to_rgb(source: Image.Image, header: Header) -> Converted:
    """The opened picture in 8-bit RGB; raises `ImageError` where it holds no finite value."""
    if source.mode.startswith("I;16"):
        return _from_16_bit(source, header)
    if source.mode in ("I", "F"):
        return _from_values(source, header)
    if source.mode == "LAB":
        return _from_lab(source), []
    if source.has_transparency_data:
        return _on_white(source, header)
    return source.convert("RGB"), []


def _from_lab(source: Image.Image) -> Image.Image:
    lab, srgb = (
        ImageCms.ImageCmsProfile(ImageCms.createProfile(space)) for space in ("LAB", "sRGB")
    )
    return ImageCms.ImageCmsTransform(lab, srgb, "LAB", "RGB").apply(source)


def _on_white(source: Image.Image, header: Header) -> Converted:
    key = source.info.get("transparency")
    if header.depth == 16 and isinstance(key, tuple):
        # Pillow keeps the high byte of the pixels, but not of the key
        source.info["transparency"] = tuple(value >> 8 for value in key)
    whole = source.convert("LA") if source.mode == "La" else source
    whole = whole if whole.mode == "RGBA" else whole.convert("RGBA")
    opacity = whole.getchannel("A")
    if opacity.getextrema() == (255, 255):
        return whole.convert("RGB"), []
    white = Image.new("RGB", whole.size, "white")
    white.paste(whole, mask=opacity)
    return white, [Sentence("Transparency was laid on white.")]


def _from_16_bit(source: Image.Image, header: Header) -> Converted:
    """Unsigned values, of 16 bits or 12: the largest possible one is white."""
    values = np.asarray(source)
    largest = 2**header.depth - 1
    shades = np.rint(np.arange(2**16) * (255 / largest)).clip(0, 255).astype(np.uint8)
    key = source.info.get("transparency")
    if isinstance(key, int):
        shades[key] = 255
    if header.white_is_zero:
        shades = 255 - shades
    note = Sentence("{depth}-bit values were scaled to 8 bits.", depth=header.depth)
    return Image.fromarray(shades[values]).convert("RGB"), [note]


def _from_values(source: Image.Image, header: Header) -> Converted:
    """32-bit whole numbers or floats, scaled from a range they are known to have or their own."""
    values = np.asarray(source)
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise ImageError("The TIFF has no finite value in it; save it again as PNG.")
    black, white = _range(float(finite.min()), float(finite.max()), source.mode)
    shades = _scaled(values, black, white)
    if header.white_is_zero:
        np.subtract(255, shades, out=shades)
    notes = []
    if (black, white) != (0, 255):
        range_note = Sentence(
            "Values from {black:g} to {white:g} were scaled to 0 to 255.", black=black, white=white
        )
        notes.append(range_note)
    if finite.size < values.size:
        notes.append(Sentence("Values that are not a number are shown black."))
    return Image.fromarray(shades).convert("RGB"), notes


def _range(low: float, high: float, mode: str) -> tuple[float, float]:
    """What is black and white: 0..1, 0..255 and 0..65,535 are taken as such, else the extremes."""
    usual = (1, 255) if mode == "F" else (255, 65_535)
    fitting = [top for top in usual if low >= 0 and high <= top]
    return (0.0, float(fitting[0])) if fitting else (low, high)


def _scaled(values: np.ndarray, black: float, white: float) -> np.ndarray:
    shades = np.empty(values.shape, np.uint8)
    factor = 255 / ((white - black) or 1)
    for row in range(0, len(values), _ROWS):
        block = values[row : row + _ROWS]
        block = np.nan_to_num(block, nan=black, posinf=white, neginf=black)
        shades[row : row + _ROWS] = np.rint((block.astype(np.float64) - black) * factor)
    return shades
