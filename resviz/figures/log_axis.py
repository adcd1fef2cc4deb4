"""Logarithmic axes that span few or many decades, with numbers that can be read."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

STEEP = 1.5  # decades from which powers of ten are ticks enough


def decades(values: Iterable[float], least: float) -> dict[str, object]:
    """Range and ticks of a logarithmic axis for these values; nothing without a positive one.

    At least `least` decades, so that what is level looks level. Ticks stand at powers of ten, or at
    1, 2 and 5 where there are few of those, as whole numbers (plotly's own would show the bare
    digits 2 and 5).
    """
    shown = [math.log10(value) for value in values if value > 0 and math.isfinite(value)]
    if not shown:
        return {}
    low, high = min(shown), max(shown)
    spare = max(0.0, least - (high - low)) / 2 + 0.05 * max(least, high - low)
    span = [low - spare, high + spare]
    if high - low > STEEP:
        return {"range": span, "dtick": max(1, round((high - low) / 8))}
    powers = range(math.floor(span[0]), math.ceil(span[1]) + 1)
    ticks = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    return {"range": span, "tickvals": ticks, "ticktext": [f"{tick:.3g}" for tick in ticks]}


def common_range(runs: Sequence[Float[np.ndarray, "steps layers"]]) -> tuple[float, float]:
    """Exponents of ten between which all positive numbers lie, so that colours mean the same."""
    values = np.concatenate([np.empty(0), *(np.ravel(run).astype(np.float64) for run in runs)])
    powers = np.log10(values[(values > 0) & np.isfinite(values)])
    if not powers.size:
        return -1.0, 0.0
    low, high = float(powers.min()), float(powers.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
