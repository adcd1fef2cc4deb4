"""How wide a distribution over pixels is: areas that hold a share of it, and widths."""

import numpy as np
from jaxtyping import Float, Float64

SHARES = (0.5, 0.95, 0.997)
_ROUNDS = 10  # of weighing anew; the width changes by less than 1 % after five
_NOTHING = 1e-9  # of the largest value: below, logarithms are those of rounding


def areas(share: Float[np.ndarray, "height width"]) -> tuple[int, int, int]:
    """How many pixels, the strongest first, hold 50, 95 and 99.7 % of a sum of 1."""
    held = np.cumsum(np.sort(share, axis=None)[::-1])
    half, most, nearly_all = (int(np.searchsorted(held, part * held[-1])) + 1 for part in SHARES)
    return half, most, nearly_all


def gaussian_width(profile: Float64[np.ndarray, " n"]) -> float:
    """Standard deviation of the Gaussian that fits non-negative numbers best, in places.

    A parabola through the logarithms, weighed by the values, then by those fitted. Where that gives
    no bell inside the field (flat tops, fewer than three places), the standard deviation of the
    numbers themselves.

    Example:
        >>> places = np.arange(41.0)
        >>> round(gaussian_width(np.exp(-0.5 * ((places - 20) / 4) ** 2)), 6)
        4.0

    Reference:
        Guo 2011, "A Simple Algorithm for Fitting a Gaussian Function", IEEE Signal Processing
        Magazine 28(5).
    """
    (places,) = np.nonzero(profile > profile.max() * _NOTHING)
    values = profile[places]
    if len(places) < 3:
        return standard_deviation(profile)
    distance = places - (places * values).sum() / values.sum()
    weights = values
    for _ in range(_ROUNDS):
        curve = np.polyfit(distance, np.log(values), 2, w=weights)
        width = (-0.5 / curve[0]) ** 0.5 if curve[0] < 0 else np.inf
        if not width <= len(places) / 2:
            return standard_deviation(profile)
        weights = np.exp(np.polyval(curve, distance))
    return float(width)


def standard_deviation(profile: Float64[np.ndarray, " n"]) -> float:
    """Of non-negative numbers as a distribution of places, in places."""
    places = np.arange(len(profile))
    total = profile.sum()
    centre = (places * profile).sum() / total
    return float(np.sqrt(((places - centre) ** 2 * profile).sum() / total))
