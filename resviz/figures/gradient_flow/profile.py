"""Gradient norms over depth: one line for each network, a band for its seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from resviz.figures.families import Style
from resviz.figures.log_axis import decades
from resviz.figures.theme import template

HEIGHT = 440


@dataclass(frozen=True, slots=True)
class Line:
    """One network's values (seeds, places) over depth; `names` are the layers or blocks at these places."""

    title: str
    style: Style
    depth: Float[np.ndarray, " places"]
    values: Float[np.ndarray, "seeds places"]
    names: tuple[str, ...]

    @property
    def mean(self) -> Float[np.ndarray, " places"]:
        return np.asarray(self.values.mean(0))


def profile(lines: Sequence[Line], quantity: str, across: str, dark: bool) -> go.Figure:
    """How large a quantity is at each depth: level lines are healthy, steep ones vanish or explode.

    Logarithmic; the line is the mean over the seeds, the band reaches from the smallest to the
    largest of them. Where a value is zero the line has a gap.
    """
    figure = go.Figure()
    for line in lines:
        if len(line.values) > 1:
            figure.add_trace(_band(line))
        figure.add_trace(_curve(line, line.mean, "%{y:.3g}"))
    figure.update_layout(
        template=template(dark),
        height=HEIGHT,
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 76, "t": 36},
        xaxis={"title": across, "range": _ends(lines)},
        yaxis={
            "title": quantity,
            "type": "log",
            "exponentformat": "power",
            **decades(_values(lines), 2),
        },
    )
    return figure


def shares(panels: Sequence[tuple[str, Sequence[Line]]], across: str, dark: bool) -> go.Figure:
    """Which share comes through the shortcut at each block, one panel for the way back, one for the way forth.

    1: all of it; 0: all through the branch; above 1: the branch works against the shortcut.
    """
    figure = make_subplots(1, len(panels), shared_yaxes=True, horizontal_spacing=0.04)
    for column, (_title, lines) in enumerate(panels, start=1):
        for line in lines:
            curve = _curve(line, np.asarray(np.median(line.values, 0)), "%{y:.1%}")
            curve.update(showlegend=column == 1, legendgroup=line.title)
            figure.add_trace(curve, 1, column)
    highest = max(
        (float(np.nanmax(line.values)) for _, lines in panels for line in lines), default=1.0
    )
    lowest = min(
        (float(np.nanmin(line.values)) for _, lines in panels for line in lines), default=0.0
    )
    figure.update_layout(
        template=template(dark),
        height=HEIGHT,
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.1, "yanchor": "bottom", "x": 0},
        margin={"t": 64},
    )
    figure.update_xaxes(title=across)
    figure.update_yaxes(tickformat=".0%", range=[min(0.0, lowest) - 0.03, max(1.0, highest) + 0.03])
    for column, (title, _) in enumerate(panels, start=1):
        axis = figure.layout[f"xaxis{column if column > 1 else ''}"]
        figure.add_annotation(
            text=f"<b>{title}</b>",
            x=axis.domain[0],
            y=1,
            xref="paper",
            yref="paper",
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
        )
    return figure


def _curve(line: Line, values: Float[np.ndarray, " places"], number: str) -> go.Scatter:
    return go.Scatter(
        x=line.depth,
        y=np.where(values > 0, values, np.nan),
        name=line.title,
        text=line.names,
        mode="lines+markers" if len(line.depth) <= 60 else "lines",
        line={"color": line.style.colour, "dash": line.style.dash, "width": 2},
        marker={"size": 4},
        hovertemplate=f"%{{text}}: {number}<extra>{line.title}</extra>",
    )


def _band(line: Line) -> go.Scatter:
    """A closed outline: the smallest values forth, the largest back."""
    low, high = line.values.min(0), line.values.max(0)
    kept = (low > 0) & np.isfinite(high)
    x, low, high = line.depth[kept], low[kept], high[kept]
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
