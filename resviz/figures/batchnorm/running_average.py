"""How running averages begin: they creep towards what each batch brings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from resviz.figures.batchnorm.frames import DOTTED, LEGEND_ABOVE, frame
from resviz.figures.theme import PURPLE, SKY


@dataclass(frozen=True, slots=True)
class Labels:
    """Names of the line and of the dots, and the title of the horizontal axis."""

    average: str
    batch: str
    step: str


@dataclass(frozen=True, slots=True)
class Beginning:
    """A running average before the first step and after each later one; each batch's value."""

    title: str
    running: Float[np.ndarray, " steps+1"]
    brought: Float[np.ndarray, " steps"]


def beginnings(parts: Sequence[Beginning], labels: Labels, dark: bool) -> go.Figure:
    """Draw running averages of the first steps side by side.

    How to read: the line is the running average, at 0 as it was before training; a dot is what a
    batch brought. With momentum 0.1 the line goes a tenth of the way to each dot.
    """
    figure = make_subplots(rows=1, cols=len(parts), horizontal_spacing=0.15)
    for column, part in enumerate(parts, start=1):
        figure.add_trace(_average(part, labels), row=1, col=column)
        figure.add_trace(_batches(part, labels), row=1, col=column)
        figure.add_hline(y=part.running[0], line=DOTTED, row=1, col=column)
        figure.update_yaxes(title=part.title, col=column)
    # The same two names stand in each column: one of them is enough in the legend.
    figure.update_traces(showlegend=False)
    figure.update_traces(showlegend=True, col=1)
    figure.update_traces(hovertemplate="%{x}: %{y:.3g}<extra></extra>")
    figure.update_xaxes(title=labels.step, dtick=1)
    return frame(figure, dark, 300, legend=LEGEND_ABOVE, margin={"t": 36})


def _average(part: Beginning, labels: Labels) -> go.Scatter:
    return go.Scatter(
        x=np.arange(len(part.running)),
        y=part.running,
        name=labels.average,
        mode="lines+markers",
        line={"color": PURPLE, "width": 2.5},
        marker={"size": 6},
    )


def _batches(part: Beginning, labels: Labels) -> go.Scatter:
    return go.Scatter(
        x=np.arange(1, len(part.running)),
        y=part.brought,
        name=labels.batch,
        mode="markers",
        marker={"color": SKY, "size": 9, "symbol": "diamond"},
    )
