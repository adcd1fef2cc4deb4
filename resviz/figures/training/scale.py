"""Round numbers along an axis, the same for the drawing that grows and for the chart.

Plotly would choose its own, and the numbers would jump when the chart takes the drawing's place.
"""

import math

TICKS = 5  # about so many steps along an axis
ROUNDING = 1e-9  # of a step: 0.3 / 0.1 is a little less than 3


def ticks(end: float) -> list[float]:
    """0 and the multiples of a round number up to `end`, four to ten of them.

    Example:
        >>> ticks(1.01), ticks(12)
        ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0])
    """
    step = _round_step(end / TICKS)
    count = math.floor(end / step + ROUNDING)
    return [round(i * step, 10) for i in range(count + 1)]


def rounded_up(value: float) -> float:
    """The next multiple of half a round step: the top of a scale.

    Example:
        >>> rounded_up(2.71), rounded_up(0.0)
        (2.75, 1.0)
    """
    if value <= 0:
        return 1.0
    step = _round_step(max(value, 1e-6) / TICKS) / 2
    return math.ceil(value / step - ROUNDING) * step


def _round_step(about: float) -> float:
    """1, 2 or 5 times a power of ten: the largest that is not above."""
    power = 10.0 ** math.floor(math.log10(about))
    steps = [factor * power for factor in (1, 2, 5)]
    return max(step for step in steps if step <= about * (1 + ROUNDING))
