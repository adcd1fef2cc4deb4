"""Maps as PNG pictures: small, exact, drawn by the browser in no time.

A map is one colour index per cell, in a palette PNG; the browser scales it with hard pixel edges.
Nothing here smooths, so every cell that is seen is a number that was computed.
"""

import base64
import io
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from resviz.figures import theme
from resviz.figures.encoded import encoded_once
from resviz.figures.theme import ORDERED, WARM

GAP = len(ORDERED)  # the palette's index behind the colours: what lies between maps


@dataclass(frozen=True, slots=True)
class Range:
    """The values at the ends of a colour scale; a signed scale is centred on zero."""

    low: float
    high: float
    signed: bool

    def describe(self) -> str:
        """The ends in words of three digits."""
        return f"{self.low:.3g} to {self.high:.3g}"


def value_range(values: Float[np.ndarray, "..."]) -> Range:
    """Zero-centred where there are negative values, else from zero to the maximum."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return Range(0.0, 1.0, False)
    low, high = float(finite.min()), float(finite.max())
    if low < 0:
        reach = max(-low, high)
        return Range(-reach, reach, True)
    return Range(0.0, high if high > 0 else 1.0, False)


def indices(values: Float[np.ndarray, "..."], scale: Range) -> UInt8[np.ndarray, "..."]:
    """Colour index 0..254 of each value; infinities are the ends of the scale, NaN is zero."""
    finite = np.nan_to_num(values.astype(np.float64)).clip(scale.low, scale.high)
    share = (finite - scale.low) / (scale.high - scale.low)
    return (share * (GAP - 1)).round().astype(np.uint8)


@encoded_once
def map_png(
    values: Float[np.ndarray, "height width"], scale: Range | None = None, dark: bool = False
) -> bytes:
    """One map, one pixel a cell: cividis from zero; where it is signed, blue below zero, red above.

    Zero then has the colour of the page, which is another one in the `dark` theme.
    """
    scale = scale or value_range(values)
    return _palette_png(indices(values, scale), _palette(scale.signed, dark))


@encoded_once
def sparse_png(values: Float[np.ndarray, "height width"], scale: Range) -> bytes:
    """One map in cividis, transparent where a value is not finite."""
    index = np.where(np.isfinite(values), indices(values, scale), np.uint8(GAP))
    return _palette_png(index, np.concatenate([ORDERED, np.zeros((1, 3), np.uint8)]), clear=GAP)


@encoded_once
def mosaic_png(
    maps: Float[np.ndarray, "channels height width"],
    columns: int,
    shared: bool,
    dark: bool = False,
) -> bytes:
    """Maps as a grid in reading order with a gap of one cell in mid grey.

    `shared`: one scale for all maps; else each map has its own, and only shapes can be compared,
    not strengths.
    """
    whole = value_range(maps)
    count, height, width = maps.shape
    rows = -(-count // columns)
    canvas = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), GAP, np.uint8)
    for i, values in enumerate(maps):
        scale = whole if shared else _as_signed(value_range(values), whole.signed)
        top, left = i // columns * (height + 1), i % columns * (width + 1)
        canvas[top : top + height, left : left + width] = indices(values, scale)
    grey = np.full((1, 3), 128, np.uint8)
    return _palette_png(canvas, np.concatenate([_palette(whole.signed, dark), grey]))


def scale_png(signed: bool, dark: bool = False) -> bytes:
    """The colour scale itself, from its low end to its high one."""
    return _palette_png(np.arange(GAP, dtype=np.uint8)[None], _palette(signed, dark))


@encoded_once
def heat_png(
    values: Float[np.ndarray, "height width"], size: tuple[int, int], peak: float | None = None
) -> bytes:
    """The positive part of a map as a warm layer over a photo: RGBA, opacity grows with the value.

    `peak` is the value drawn hottest, by default the map's largest. Scaled to `size` (width,
    height) bilinearly, as Grad-CAM is always drawn (Selvaraju et al. 2017, Fig. 1).
    """
    top = peak
    if top is None:
        top = float(np.max(values, initial=0, where=np.isfinite(values)))
    small = Image.fromarray(_share(values, top).astype(np.float32))
    large = np.asarray(small.resize(size, Image.Resampling.BILINEAR)).clip(0, 1)
    index = (large * 255).round().astype(np.uint8)
    return _png(Image.fromarray(np.dstack([WARM[index], index])))


def _share(values: Float[np.ndarray, "height width"], top: float) -> np.ndarray:
    """The positive part as a share of `top`, 0 to 1; zero everywhere where nothing is positive."""
    if top <= 0:
        return np.zeros(values.shape)
    return np.nan_to_num(values.astype(np.float64)).clip(0, top) / top


@encoded_once
def overlay_png(
    photo: Image.Image,
    values: Float[np.ndarray, "height width"],
    opacity: float,
    peak: float | None = None,
) -> bytes:
    """Photo and heat in one picture, as the page shows them at this opacity (0 to 1)."""
    heat = Image.open(io.BytesIO(heat_png(values, photo.size, peak)))
    heat.putalpha(heat.getchannel("A").point(lambda a: round(a * opacity)))
    return _png(Image.alpha_composite(photo.convert("RGBA"), heat).convert("RGB"))


def photo_jpeg(photo: Image.Image, longest: int = 720) -> bytes:
    """A photo for the page, at most `longest` pixels a side."""
    small = photo.copy()
    small.thumbnail((longest, longest))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=90)
    return file.getvalue()


@encoded_once
def photo_png(photo: Image.Image) -> bytes:
    """A small picture without loss: the pixels as the network receives them."""
    return _png(photo)


def data_uri(picture: bytes) -> str:
    """The picture as an address that needs no further request."""
    kind = "jpeg" if picture[:2] == b"\xff\xd8" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def _palette(signed: bool, dark: bool) -> UInt8[np.ndarray, "colours 3"]:
    return theme.signed(dark) if signed else ORDERED


def _as_signed(scale: Range, signed: bool) -> Range:
    return Range(-scale.high, scale.high, True) if signed and not scale.signed else scale


def _palette_png(
    index: UInt8[np.ndarray, "height width"],
    palette: UInt8[np.ndarray, "colours 3"],
    clear: int | None = None,
) -> bytes:
    height, width = index.shape
    image = Image.frombytes("P", (width, height), index.tobytes())
    image.putpalette(palette.tobytes())
    if clear is not None:
        image.info["transparency"] = clear
    return _png(image)


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()
