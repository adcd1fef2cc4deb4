"""The effective field of a unit as a layer over the photo, with lines around the shares of what moves the unit."""

import io

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from resviz.figures.raster import heat_png

LINES = {
    0.5: (255, 255, 255),
    0.95: (86, 180, 233),
}  # share of the energy -> colour of the line around it
_FINE = 480  # pixels of a drawn line's side


def effective_png(energy: Float[np.ndarray, "height width"], size: float) -> bytes:
    """Warm where a pixel moves the unit, with the lines of `LINES`; `energy` is what `EffectiveField` calls so.

    A gradient is a cloud of dots; for the colours and for the shape of the lines it is smoothed
    over an eighth of the field's `size` in pixels (as the standard deviation), and not beyond the
    pixels that move the unit at all. What lies within a line holds its share of the energy itself.
    """
    exact = energy.astype(np.float64)
    seen = support(exact)
    calm = np.where(seen, smoothed(exact, max(0.6, size / 8)), 0.0)
    heat = Image.open(io.BytesIO(heat_png(np.sqrt(calm), (_FINE, _FINE)))).convert("RGBA")
    fine, inside = (
        _enlarged(calm, Image.Resampling.BILINEAR),
        _enlarged(seen, Image.Resampling.NEAREST) > 0,
    )
    for share, colour in LINES.items():
        line = edge((fine >= level(calm, exact, share)) & inside)
        heat.paste((*colour, 255), (0, 0), Image.fromarray(line.astype(np.uint8) * 255))
    file = io.BytesIO()
    heat.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _enlarged(values: np.ndarray, how: Image.Resampling) -> Float[np.ndarray, "fine fine"]:
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize((_FINE, _FINE), how))


def support(energy: Float[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """The smallest rectangle around all that is not zero."""

    def between(line: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        return np.maximum.accumulate(line) & np.maximum.accumulate(line[::-1])[::-1]

    moved = energy != 0
    return np.outer(between(moved.max(1)), between(moved.max(0)))


def smoothed(
    values: Float[np.ndarray, "height width"], radius: float
) -> Float[np.ndarray, "height width"]:
    """Averaged with a Gaussian of that standard deviation, in cells; nothing comes in from outside."""
    reach = int(np.ceil(3 * radius))
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    for axis in (0, 1):
        count = values.shape[axis]
        distance = np.arange(count)[:, None] - np.arange(count)[None] + reach
        inside = (distance >= 0) & (distance < len(bell))
        weights = np.where(inside, bell[distance.clip(0, len(bell) - 1)], 0) / bell.sum()
        values = np.moveaxis(np.tensordot(weights, values, (1, axis)), 0, axis)
    return values


def level(
    ranking: Float[np.ndarray, "height width"],
    energy: Float[np.ndarray, "height width"],
    share: float,
) -> float:
    """Where `ranking` is at least this, `energy` holds that share of its sum, or one cell more."""
    order = np.argsort(-ranking, axis=None, kind="stable")
    held = np.cumsum(energy.ravel()[order])
    last = min(int(np.searchsorted(held, share * held[-1])), order.size - 1)
    return float(ranking.ravel()[order[last]])


def edge(inside: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Cells inside that are within two cells of one outside; beyond the picture all is outside."""
    padded = np.pad(inside, 2)
    n, m = inside.shape
    core = np.ones_like(inside)
    for dy, dx in ((0, 2), (4, 2), (2, 0), (2, 4), (1, 1), (1, 3), (3, 1), (3, 3)):
        core &= padded[dy : dy + n, dx : dx + m]
    return np.asarray(inside & ~core)
