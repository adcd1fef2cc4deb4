"""The factor and the bias of each channel once a BatchNorm is folded into its convolution."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from resviz.figures.batchnorm.frames import frame
from resviz.figures.theme import GREEN, PURPLE

NARROW = 200  # channels from which gaps between bars would be thinner than a pixel


@dataclass(frozen=True, slots=True)
class Labels:
    """Titles of the horizontal axis and of the two vertical ones."""

    channel: str
    scale: str
    bias: str


def factors(
    scale: Float[np.ndarray, " channels"],
    bias: Float[np.ndarray, " channels"],
    labels: Labels,
    dark: bool,
) -> go.Figure:
    """Draw a bar for each channel: above the factor of its kernel, below its new bias.

    How to read: a bar near zero above is a channel that BatchNorm has switched off.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.07)
    figure.add_trace(_bars(scale, GREEN), row=1, col=1)
    figure.add_trace(_bars(bias, PURPLE), row=2, col=1)
    figure.update_yaxes(title=labels.scale, row=1)
    figure.update_yaxes(title=labels.bias, row=2)
    figure.update_xaxes(title=labels.channel, row=2)
    gap = 0.15 if len(scale) < NARROW else 0
    return frame(figure, dark, 400, showlegend=False, bargap=gap)


def _bars(values: np.ndarray, colour: str) -> go.Bar:
    return go.Bar(
        y=values,
        marker={"color": colour, "line": {"width": 0}},
        hovertemplate="%{x}: %{y:.4g}<extra></extra>",
    )
