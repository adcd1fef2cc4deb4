"""The effective field of a unit over the photo, with lines around shares of what moves the unit."""

import io

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from resviz.figures.raster import heat_png

# share of the energy -> colour of the line around it
LINES = {0.5: (255, 255, 255), 0.95: (86, 180, 233)}
_FINE = 480  # side of the drawing in pixels, so that lines are thin
_THICKNESS = 2  # of a line, in pixels of the drawing


def effective_png(energy: Float[np.ndarray, "height width"], size: float) -> bytes:
    """Warm where a pixel moves the unit, with the lines of `LINES`.

    How to read: half of what moves the unit lies within the white line, 95 % within the blue one. A
    gradient is a cloud of dots; for the colours and the shape of the lines it is smoothed over an
    eighth of the field's size (as the standard deviation), but not beyond the pixels that move the
    unit at all. What lies within a line holds its share of the energy itself.

    Args:
        energy: The share of each pixel, as in `EffectiveField`.
        size: Of the field, in pixels.

    Returns:
        A PNG with transparency.
    """
    exact = energy.astype(np.float64)
    reached = support(exact)
    smooth = np.where(reached, smoothed(exact, max(0.6, size / 8)), 0.0)
    heat = Image.open(io.BytesIO(heat_png(np.sqrt(smooth), (_FINE, _FINE)))).convert("RGBA")
    for share, colour in LINES.items():
        heat.paste((*colour, 255), (0, 0), _line(smooth, reached, level(smooth, exact, share)))
    file = io.BytesIO()
    heat.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _line(smooth: np.ndarray, reached: np.ndarray, threshold: float) -> Image.Image:
    """The mask of the line around all that is at least the threshold."""
    fine = _enlarged(smooth, Image.Resampling.BILINEAR)
    inside = _enlarged(reached, Image.Resampling.NEAREST) > 0
    line = edge((fine >= threshold) & inside)
    return Image.fromarray(line.astype(np.uint8) * 255)


def _enlarged(values: np.ndarray, how: Image.Resampling) -> Float[np.ndarray, "fine fine"]:
    """Values at the resolution of the drawing."""
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
    """Averaged with a Gaussian of that standard deviation, in cells; nothing comes from outside."""
    for axis in (0, 1):
        weights = _gaussian_weights(values.shape[axis], radius)
        values = np.moveaxis(np.tensordot(weights, values, (1, axis)), 0, axis)
    return values


def _gaussian_weights(count: int, radius: float) -> Float[np.ndarray, "count count"]:
    """What each cell of a line takes from each other one, cut off at three standard deviations."""
    reach = int(np.ceil(3 * radius))
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    places = np.arange(count)
    distance = places[:, None] - places[None] + reach
    inside = (distance >= 0) & (distance < len(bell))
    weights: np.ndarray = np.where(inside, bell[distance.clip(0, len(bell) - 1)], 0)
    weights /= bell.sum()
    return weights


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
    padded = np.pad(inside, _THICKNESS)
    height, width = inside.shape
    core = np.ones_like(inside)
    # eight neighbours at about that distance, from the upper left corner of the padded picture
    for top, left in ((0, 2), (4, 2), (2, 0), (2, 4), (1, 1), (1, 3), (3, 1), (3, 3)):
        core &= padded[top : top + height, left : left + width]
    return np.asarray(inside & ~core)
