"""One run's checkpoints on the same images, with running averages and with the statistics of small batches."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from resviz.figures.batchnorm.drift import QUIET
from resviz.figures.theme import GREEN, PURPLE, template


def lines(
    epochs: Sequence[float],
    stored: Float[np.ndarray, " epochs"],
    own: Float[np.ndarray, " epochs"],
    recorded: tuple[Float[np.ndarray, " ends"], Float[np.ndarray, " ends"]],
    words: tuple[str, str, str, str, str],
    dark: bool,
) -> go.Figure:
    """Solid: the running averages, as the network is used. Dashed: a batch's own statistics, as it trains.

    Both on the same test images; where they part, training sees another network than its users.
    Dotted is what the training itself recorded on its own images: `recorded`, epochs and values.
    `words`: titles of the axes, then the names of the three lines.
    """
    figure = go.Figure(
        [
            go.Scatter(
                x=epochs,
                y=stored,
                name=words[2],
                mode="lines+markers",
                line={"color": GREEN, "width": 2.5},
            ),
            go.Scatter(
                x=epochs,
                y=own,
                name=words[3],
                mode="lines+markers",
                line={"color": PURPLE, "width": 2.5, "dash": "dash"},
                marker={"symbol": "diamond"},
            ),
            go.Scatter(
                x=recorded[0],
                y=recorded[1],
                name=words[4],
                mode="lines",
                line={"color": QUIET, "width": 1.5, "dash": "dot"},
            ),
        ]
    )
    figure.update_traces(hovertemplate="%{x}: %{y:.3g}<extra></extra>", marker={"size": 7})
    figure.update_layout(
        template=template(dark),
        height=400,
        xaxis_title=words[0],
        yaxis_title=words[1],
        legend={"orientation": "h", "y": 1.03, "yanchor": "bottom", "x": 0},
        margin={"t": 40},
    )
    figure.update_xaxes(dtick=max(1, round(max(epochs) / 12)))
    return figure
