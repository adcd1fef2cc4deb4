"""Gradient norms through training: depth by step, in logarithmic colour, several runs on one scale."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from resviz.figures.theme import ORDERED, colourscale, template

HEIGHT = 420


def common_range(runs: Sequence[Float[np.ndarray, "steps layers"]]) -> tuple[float, float]:
    """Smallest and largest positive number of all runs as powers of ten, so that their colours mean the same."""
    every = np.concatenate([np.asarray(values, np.float64).ravel() for values in runs]) if runs else np.empty(0)
    powers = np.log10(every[(every > 0) & np.isfinite(every)])
    if not powers.size:
        return -1.0, 0.0
    low, high = float(powers.min()), float(powers.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def peaks(values: Float[np.ndarray, "steps layers"]) -> Int[np.ndarray, " steps"]:
    """The layer with the largest finite number at each step, -1 where there is none."""
    usable = np.where(np.isfinite(values), values, -np.inf)
    return np.where(np.isfinite(usable.max(1)), usable.argmax(1), -1)


def heatmap(
    steps: Int[np.ndarray, " steps"],
    values: Float[np.ndarray, "steps layers"],
    layers: Sequence[str],
    span: tuple[float, float],
    at: int,
    titles: tuple[str, str, str],
    dark: bool,
) -> go.Figure:
    """One column for each step, one row for each layer, the first at the bottom; bright is large.

    The white line follows the layer where the norm peaks, the upright one stands at step `at`; what is zero or not
    finite is left empty. `span` are powers of ten (`common_range`), `titles` those of step, layer and quantity.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.log10(np.where(values > 0, values, np.nan)).T  # (layers, steps)
    ticks = np.arange(np.ceil(span[0]), np.floor(span[1]) + 1)[:: max(1, round((span[1] - span[0]) / 6))]
    rows = np.arange(1, len(layers) + 1)
    figure = go.Figure(
        go.Heatmap(
            x=steps,
            y=rows,
            z=np.where(np.isfinite(z), z, np.nan),
            zmin=span[0],
            zmax=span[1],
            colorscale=colourscale(ORDERED),
            customdata=np.broadcast_to(values.T[:, :, None], (len(layers), len(steps), 1)),
            text=np.broadcast_to(np.array(layers)[:, None], (len(layers), len(steps))),
            hovertemplate="%{text}, %{x}: %{customdata[0]:.3g}<extra></extra>",
            colorbar={
                "title": {"text": titles[2], "side": "right"},
                "tickvals": ticks,
                "ticktext": [f"10<sup>{tick:.0f}</sup>" for tick in ticks],
                "thickness": 12,
            },
        )
    )
    at_peak = peaks(np.asarray(values, np.float64))
    figure.add_trace(
        go.Scatter(
            x=steps,
            y=np.where(at_peak >= 0, at_peak + 1.0, np.nan),
            mode="lines",
            line={"color": "white", "width": 1.5, "dash": "dot"},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.add_vline(x=at, line={"color": "#E69F00", "width": 2})
    figure.update_layout(template=template(dark), height=HEIGHT, xaxis={"title": titles[0]}, yaxis={"title": titles[1]})
    return figure
