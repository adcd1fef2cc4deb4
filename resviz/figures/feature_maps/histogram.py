"""How often each value occurs in one channel's map."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from resviz.figures.theme import RESIDUAL, template
from resviz.tables import Table

BINS = 40
_ZERO = {"dash": "dot", "width": 1, "color": "#7A828C"}


@dataclass(frozen=True, slots=True)
class Labels:
    """The titles of the axes."""

    value: str
    count: str


def histogram(
    values: Float[np.ndarray, "height width"], labels: Labels, dark: bool = False
) -> go.Figure:
    """Draw how often each value occurs in a map.

    How to read: the dotted line is zero; what lies left of it was negative. A tall bar at zero is
    what a ReLU cut off.
    """
    counts, edges = frequencies(values)
    bars = go.Bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        marker={"color": RESIDUAL, "line": {"width": 0}},
        hovertemplate="%{x:.3g}: %{y}<extra></extra>",
    )
    figure = go.Figure(bars)
    figure.update_layout(template=template(dark), height=230, bargap=0.06)
    figure.update_layout(xaxis_title=labels.value, yaxis_title=labels.count)
    figure.add_vline(x=0, line=_ZERO)
    return figure


def table(values: Float[np.ndarray, "height width"]) -> Table:
    """The bars as numbers: both edges of each, and how many cells lie between."""
    counts, edges = frequencies(values)
    rows = zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    return Table(("from", "to", "cells"), tuple(rows))


def frequencies(values: Float[np.ndarray, "height width"]) -> tuple[np.ndarray, np.ndarray]:
    """Counts of the finite values in 40 equal bins between the extremes, and the edges."""
    # float32 has no 40 bins between two close values.
    finite = values[np.isfinite(values)].astype(np.float64)
    return np.histogram(finite, BINS, _ends(finite))


def _ends(values: Float[np.ndarray, " finite"]) -> tuple[float, float]:
    """The range of the values, wide enough for bins where they are all the same."""
    if values.size == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = max(0.5, abs(low) * 1e-9) if low == high else 0.0
    return low - margin, high + margin
