"""Pictures of one channel's values."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from resviz.figures.theme import RESIDUAL, template

BINS = 40


def histogram(
    values: Float[np.ndarray, "height width"], unit: str, count: str, dark: bool
) -> go.Figure:
    """How often each value occurs in a map; the dotted line is zero, what lies left of it was negative."""
    counts, edges = frequencies(values)
    centres = (edges[:-1] + edges[1:]) / 2
    bars = go.Bar(
        x=centres,
        y=counts,
        marker={"color": RESIDUAL, "line": {"width": 0}},
        hovertemplate="%{x:.3g}: %{y}<extra></extra>",
    )
    figure = go.Figure(bars)
    figure.update_layout(
        template=template(dark), height=230, bargap=0.06, xaxis_title=unit, yaxis_title=count
    )
    figure.add_vline(x=0, line={"dash": "dot", "width": 1, "color": "#7A828C"})
    return figure


def frequencies(values: Float[np.ndarray, "height width"]) -> tuple[np.ndarray, np.ndarray]:
    """Counts of the finite values in 40 equal bins from the smallest to the largest, and the 41 edges."""
    finite = values[np.isfinite(values)].astype(
        np.float64
    )  # float32 has no 40 bins between two close values
    return np.histogram(finite, BINS, _ends(finite))


def _ends(values: Float[np.ndarray, " finite"]) -> tuple[float, float]:
    """The range of the values, wide enough for bins where they are all the same."""
    if values.size == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = max(0.5, abs(low) * 1e-9) if low == high else 0.0
    return low - margin, high + margin
