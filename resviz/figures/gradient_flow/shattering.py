"""Derivatives along a line of inputs, and how alike they are at a distance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from resviz.figures.theme import PLAIN, RESIDUAL, template

COLOURS = {"plain": PLAIN, "residual": RESIDUAL, "white": "#7A828C", "brown": "#7A828C"}
DASHES = {"white": "dot", "brown": "dash"}


@dataclass(frozen=True, slots=True)
class Curve:
    """One kind of network or noise: its derivative along the line, and the autocorrelation of several by lag."""

    kind: str
    title: str
    x: Float[np.ndarray, " points"]
    derivative: Float[np.ndarray, " points"]
    mean: Float[np.ndarray, " lags"]


def derivatives(curves: Sequence[Curve], axes: tuple[str, str], dark: bool) -> go.Figure:
    """One panel for each curve, all over the same inputs: smooth means that one step helps neighbours too.

    Each panel has its own vertical scale without numbers: what counts is the shape.
    """
    figure = make_subplots(len(curves), 1, shared_xaxes=True, vertical_spacing=0.09)
    for row, curve in enumerate(curves, start=1):
        line = go.Scatter(
            x=curve.x, y=curve.derivative, line=_line(curve.kind, 1.3), name=curve.title
        )
        line.hovertemplate = "%{y:.3g}"
        figure.add_trace(line, row, 1)
        domain = figure.layout[f"yaxis{row if row > 1 else ''}"].domain
        figure.add_annotation(
            text=f"<b>{curve.title}</b>",
            xref="paper",
            yref="paper",
            x=0,
            y=domain[1],
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
        )
    figure.update_layout(
        template=template(dark), height=440, showlegend=False, margin={"t": 28, "l": 28}
    )
    figure.update_yaxes(showticklabels=False, title=axes[1])
    figure.update_xaxes(title=axes[0], row=len(curves), col=1)
    return figure


def autocorrelations(curves: Sequence[Curve], axes: tuple[str, str], dark: bool) -> go.Figure:
    """Correlation of the derivative with itself some inputs further: near zero from the first lag on is shattered."""
    figure = go.Figure()
    for curve in curves:
        line = go.Scatter(
            x=np.arange(len(curve.mean)), y=curve.mean, line=_line(curve.kind, 2), name=curve.title
        )
        line.hovertemplate = "%{y:.2f}"
        figure.add_trace(line)
    figure.update_layout(
        template=template(dark),
        height=440,
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"t": 36},
        xaxis={"title": axes[0]},
        yaxis={"title": axes[1], "range": [-0.2, 1.03]},
    )
    return figure


def _line(kind: str, width: float) -> dict[str, object]:
    return {"color": COLOURS[kind], "dash": DASHES.get(kind, "solid"), "width": width}
