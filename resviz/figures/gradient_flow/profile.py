"""Gradient norms over depth: one line for each network, a band for its seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from resviz.figures.families import Style
from resviz.figures.log_axis import decades
from resviz.figures.theme import template

HEIGHT = 440
WITH_MARKERS = 60  # places; of more the markers would cover the line


@dataclass(frozen=True, slots=True)
class Labels:
    """Titles of the axes: the quantity with its formula, and what depth counts."""

    quantity: str
    depth: str


@dataclass(frozen=True, slots=True)
class Line:
    """One network's values (seeds, places) over depth; `names` are the layers or blocks there."""

    title: str
    style: Style
    depth: Float[np.ndarray, " places"]
    values: Float[np.ndarray, "seeds places"]
    names: tuple[str, ...]

    @property
    def mean(self) -> Float[np.ndarray, " places"]:
        return np.asarray(self.values.mean(0))


def profile(lines: Sequence[Line], labels: Labels, dark: bool) -> go.Figure:
    """Draw how large a quantity is at each depth.

    How to read: level lines are healthy, steep ones vanish or explode. The axis is logarithmic; the
    line is the mean over the seeds, the band reaches from the smallest to the largest of them.
    Where a value is zero the line has a gap.
    """
    figure = go.Figure()
    for line in lines:
        if len(line.values) > 1:
            figure.add_trace(_band(line))
        positive = np.where(line.mean > 0, line.mean, np.nan)
        figure.add_trace(curve(line, positive, "%{y:.3g}"))
    figure.update_layout(
        template=template(dark),
        height=HEIGHT,
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 76, "t": 36},
    )
    figure.update_xaxes(title=labels.depth, range=_ends(lines))
    figure.update_yaxes(
        title=labels.quantity,
        type="log",
        exponentformat="power",
        **decades(_values(lines), 2),
    )
    return figure


def curve(line: Line, values: Float[np.ndarray, " places"], number: str) -> go.Scatter:
    """One network's numbers as a line in its family's look."""
    return go.Scatter(
        x=line.depth,
        y=values,
        name=line.title,
        text=line.names,
        mode="lines+markers" if len(line.depth) <= WITH_MARKERS else "lines",
        line={"color": line.style.colour, "dash": line.style.dash, "width": 2},
        marker={"size": 4},
        hovertemplate=f"%{{text}}: {number}<extra>{line.title}</extra>",
    )


def _band(line: Line) -> go.Scatter:
    """A closed outline: the smallest values from left to right, the largest back."""
    low, high = line.values.min(0), line.values.max(0)
    drawable = (low > 0) & np.isfinite(high)
    x, low, high = line.depth[drawable], low[drawable], high[drawable]
    return go.Scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([low, high[::-1]]),
        fill="toself",
        fillcolor=_transparent(line.style.colour),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        mode="lines",
    )


def _transparent(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"


def _ends(lines: Sequence[Line]) -> list[float]:
    last = max((float(line.depth[-1]) for line in lines if len(line.depth)), default=1.0)
    return [1 - 0.015 * last, last * 1.015]


def _values(lines: Sequence[Line]) -> Float[np.ndarray, " all"]:
    return np.concatenate([line.values.ravel() for line in lines] or [np.ones(1)])
