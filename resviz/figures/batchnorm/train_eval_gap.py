"""A run's checkpoints on the same images, with running averages and with small batches' own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from resviz.figures.batchnorm.frames import LEGEND_ABOVE, frame
from resviz.figures.theme import GREEN, PURPLE, QUIET


@dataclass(frozen=True, slots=True)
class Labels:
    """Titles of the axes, and the names of the three lines."""

    epochs: str
    quantity: str
    stored: str
    own: str
    recorded: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the training itself recorded on its own images, at the end of each epoch."""

    epochs: Float[np.ndarray, " ends"]
    values: Float[np.ndarray, " ends"]


def lines(
    epochs: Sequence[float],
    stored: Float[np.ndarray, " epochs"],
    own: Float[np.ndarray, " epochs"],
    recorded: Recorded,
    labels: Labels,
    dark: bool,
) -> go.Figure:
    """Draw accuracy or loss on the same test images with both kinds of statistics.

    How to read: solid are the running averages, as the network is used; dashed are the batch's own
    statistics, as it trains. Where they part, training sees another network than its users do.
    Dotted is what the training recorded.
    """
    figure = go.Figure(
        [
            _measured(epochs, stored, labels.stored, GREEN, "solid", "circle"),
            _measured(epochs, own, labels.own, PURPLE, "dash", "diamond"),
            _recorded(recorded, labels.recorded),
        ]
    )
    figure.update_traces(hovertemplate="%{x}: %{y:.3g}<extra></extra>")
    figure.update_xaxes(title=labels.epochs, dtick=max(1, round(max(epochs) / 12)))
    figure.update_yaxes(title=labels.quantity)
    return frame(figure, dark, 400, margin={"t": 40}, legend=LEGEND_ABOVE)


def _measured(
    epochs: Sequence[float], values: np.ndarray, name: str, colour: str, dash: str, symbol: str
) -> go.Scatter:
    return go.Scatter(
        x=epochs,
        y=values,
        name=name,
        mode="lines+markers",
        line={"color": colour, "width": 2.5, "dash": dash},
        marker={"size": 7, "symbol": symbol},
    )


def _recorded(recorded: Recorded, name: str) -> go.Scatter:
    return go.Scatter(
        x=recorded.epochs,
        y=recorded.values,
        name=name,
        mode="lines",
        line={"color": QUIET, "width": 1.5, "dash": "dot"},
    )
