"""The scale of a network's outputs over depth, where no BatchNorm holds it together."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from resviz.figures.batchnorm.frames import DOTTED, frame, layer_axis
from resviz.figures.log_axis import decades
from resviz.figures.theme import GREEN


@dataclass(frozen=True, slots=True)
class Labels:
    """Title of the vertical axis."""

    std: str


def spread(layers: Sequence[str], stds: Sequence[float], labels: Labels, dark: bool) -> go.Figure:
    """Draw the standard deviation of each convolution's outputs, by depth, in powers of ten.

    How to read: BatchNorm would put every layer on the dotted line at 1; without it the scale may
    grow or shrink from layer to layer.
    """
    dots = go.Scatter(
        x=list(layers),
        y=list(stds),
        mode="lines+markers",
        line={"color": GREEN},
        marker={"size": 6},
        hovertemplate="%{x}: %{y:.3g}<extra></extra>",
    )
    figure = go.Figure(dots)
    figure.add_hline(y=1, line=DOTTED)
    axis = decades([*stds, 1.0], 1)
    figure.update_yaxes(title=labels.std, type="log", exponentformat="power", **axis)
    layer_axis(figure)
    return frame(figure, dark, 340)
