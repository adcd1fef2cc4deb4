"""Shattered gradients: Balduzzi et al. 2017, 1702.08591, section 2.

The derivative of a random network by its one input, over a line of inputs. In shallow and in
residual networks neighbouring inputs have similar derivatives, which look like brown noise; in deep
plain ones they are as unlike as white noise, and a step that helps one input is useless for the
next.

    plain     h <- W relu(c(h))            residual     h <- h + beta W relu(c(h))

Rectified layers of `WIDTH` numbers, W normal with variance 2 / WIDTH. c centres each number over
the line of inputs and scales it to standard deviation 1, as batch normalisation does; both count as
constants of the derivative. The first layer maps the input to normal slopes and offsets.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from resviz.errors import ProbeError
from resviz.tables import Table

KINDS = ("plain", "residual")
NOISES = ("white", "brown")
POINTS, REACH = 256, 2.0  # inputs from -2 to 2, as in the paper's Figure 1
WIDTH, LAGS = 200, 15  # as there, and as in Figure 2
MAX_DEPTH = 1000


@dataclass(frozen=True, slots=True)
class Shattering:
    """The derivative over the line for the first seed, and the autocorrelation over all seeds.

    Mean and standard deviation of the autocorrelation are by lag, 0 to `LAGS`.
    """

    x: Float[np.ndarray, " points"]
    derivative: Float[np.ndarray, " points"]
    mean: Float[np.ndarray, " lags"]
    std: Float[np.ndarray, " lags"]


def shattering(kind: str, depth: int, seeds: int = 20, beta: float = 1.0) -> Shattering:
    """Derivatives of plain or residual networks of so many layers.

    Raises `ProbeError` for what cannot be built.
    """
    return _summary([derivative(kind, depth, seed, beta) for seed in range(seeds)])


def noise(kind: str, seeds: int = 20) -> Shattering:
    """`white`: independent normal numbers; `brown`: their running sum."""
    if kind not in NOISES:
        raise ProbeError("noise is white or brown, got {kind!r}", kind=kind)
    draws = [np.random.default_rng(seed).standard_normal(POINTS) for seed in range(seeds)]
    return _summary([np.cumsum(draw) if kind == "brown" else draw for draw in draws])


def derivative(kind: str, depth: int, seed: int, beta: float = 1.0) -> Float[np.ndarray, " points"]:
    """df/dx at each input, carried along with the values from layer to layer."""
    if kind not in KINDS or not 1 <= depth <= MAX_DEPTH:
        raise ProbeError(
            "choose {kinds} with 1 to {limit} layers, got {kind!r} with {depth}",
            kinds=" or ".join(KINDS),
            limit=MAX_DEPTH,
            kind=kind,
            depth=depth,
        )
    rng = np.random.default_rng(seed)
    slope, offset = rng.standard_normal((2, WIDTH))
    h = line()[:, None] * slope + offset  # (points, width)
    dh = np.broadcast_to(slope, h.shape)
    # Values and derivatives go forward together: one pass instead of a backward one per input.
    for _ in range(depth):
        W = rng.standard_normal((WIDTH, WIDTH)) * np.sqrt(2 / WIDTH)
        z, scale = _centred(h)
        out = np.maximum(z, 0) @ W
        dout = (dh * scale * (z > 0)) @ W
        h, dh = (h + beta * out, dh + beta * dout) if kind == "residual" else (out, dout)
    readout = rng.standard_normal(WIDTH) / np.sqrt(WIDTH)
    return np.asarray(dh @ readout)


def line() -> Float[np.ndarray, " points"]:
    """The inputs, evenly from one end to the other."""
    return np.linspace(-REACH, REACH, POINTS)


def autocorrelation(values: Float[np.ndarray, " points"]) -> Float[np.ndarray, " lags"]:
    """Correlation of a sequence with itself moved by 0 to `LAGS` places, about its mean.

    The biased estimate, whose denominator is the same at each lag.
    """
    centred = values - values.mean()
    products = [centred[: len(centred) - lag] @ centred[lag:] for lag in range(LAGS + 1)]
    return np.asarray(products) / (products[0] or 1.0)


def lag_table(curves: dict[str, Shattering]) -> Table:
    """Mean autocorrelation of each named curve, a row for each lag."""
    means = [curve.mean.tolist() for curve in curves.values()]
    rows = tuple(zip(range(LAGS + 1), *means, strict=True))
    return Table(("lag", *curves), rows)


def _centred(h: Float[np.ndarray, "points width"]) -> tuple[np.ndarray, np.ndarray]:
    """Mean 0 and standard deviation 1 of each number over the line, and the factor of that.

    A constant one stays zero.
    """
    std = h.std(0)
    scale = np.divide(1.0, std, np.zeros_like(std), where=std > 0)
    return (h - h.mean(0)) * scale, scale


def _summary(derivatives: list[np.ndarray]) -> Shattering:
    correlations = np.stack([autocorrelation(values) for values in derivatives])
    several = len(correlations) > 1
    std = correlations.std(0, ddof=1) if several else np.zeros(LAGS + 1)
    return Shattering(line(), derivatives[0], correlations.mean(0), std)
