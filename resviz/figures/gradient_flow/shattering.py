"""Derivatives along a line of inputs, and how alike they are at a distance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from resviz.figures.theme import PLAIN, RESIDUAL, template

HEIGHT = 440
COLOURS = {"plain": PLAIN, "residual": RESIDUAL, "white": "#7A828C", "brown": "#7A828C"}
DASHES = {"white": "dot", "brown": "dash"}


@dataclass(frozen=True, slots=True)
class Labels:
    """Titles of the axes of both figures."""

    x: str
    derivative: str
    lag: str
    autocorrelation: str


@dataclass(frozen=True, slots=True)
class Curve:
    """One kind of network or noise: its derivative along the line, its autocorrelation by lag."""

    kind: str
    title: str
    x: Float[np.ndarray, " points"]
    derivative: Float[np.ndarray, " points"]
    mean: Float[np.ndarray, " lags"]


def derivatives(curves: Sequence[Curve], labels: Labels, dark: bool) -> go.Figure:
    """Draw a panel for each curve, all over the same inputs.

    How to read: smooth means that a step which helps one input helps its neighbours too. Each panel
    has its own vertical scale without numbers: what counts is the shape.
    """
    figure = make_subplots(len(curves), 1, shared_xaxes=True, vertical_spacing=0.09)
    for row, curve in enumerate(curves, start=1):
        _add_panel(figure, curve, row)
    figure.update_layout(
        template=template(dark), height=HEIGHT, showlegend=False, margin={"t": 28, "l": 28}
    )
    figure.update_yaxes(showticklabels=False, title=labels.derivative)
    figure.update_xaxes(title=labels.x, row=len(curves), col=1)
    return figure


def _add_panel(figure: go.Figure, curve: Curve, row: int) -> None:
    line = go.Scatter(x=curve.x, y=curve.derivative, line=_line(curve.kind, 1.3), name=curve.title)
    line.hovertemplate = "%{y:.3g}"
    figure.add_trace(line, row, 1)
    axis = figure.layout[f"yaxis{row if row > 1 else ''}"]
    figure.add_annotation(
        text=f"<b>{curve.title}</b>",
        xref="paper",
        yref="paper",
        x=0,
        y=axis.domain[1],
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
    )


def autocorrelations(curves: Sequence[Curve], labels: Labels, dark: bool) -> go.Figure:
    """Draw the correlation of each derivative with itself some inputs further.

    How to read: near zero from the first lag on is shattered.
    """
    figure = go.Figure()
    for curve in curves:
        lags = np.arange(len(curve.mean))
        line = go.Scatter(x=lags, y=curve.mean, line=_line(curve.kind, 2), name=curve.title)
        line.hovertemplate = "%{y:.2f}"
        figure.add_trace(line)
    figure.update_layout(
        template=template(dark),
        height=HEIGHT,
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"t": 36},
    )
    figure.update_xaxes(title=labels.lag)
    figure.update_yaxes(title=labels.autocorrelation, range=[-0.2, 1.03])
    return figure


def _line(kind: str, width: float) -> dict[str, object]:
    return {"color": COLOURS[kind], "dash": DASHES.get(kind, "solid"), "width": width}
