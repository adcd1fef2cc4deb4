"""The scale of a network's outputs over depth, where no BatchNorm holds it together."""

from collections.abc import Sequence

import plotly.graph_objects as go

from resviz.figures.batchnorm.drift import QUIET
from resviz.figures.log_axis import decades
from resviz.figures.theme import GREEN, template


def spread(layers: Sequence[str], deviations: Sequence[float], title: str, dark: bool) -> go.Figure:
    """How far each convolution's outputs scatter, by depth, in powers of ten; the dotted line is 1.

    BatchNorm would put every layer on that line; without it the scale may grow or shrink from layer
    to layer.
    """
    dots = go.Scatter(
        x=list(layers),
        y=list(deviations),
        mode="lines+markers",
        line={"color": GREEN},
        marker={"size": 6},
    )
    figure = go.Figure(dots.update(hovertemplate="%{x}: %{y:.3g}<extra></extra>"))
    figure.add_hline(y=1, line={"dash": "dot", "width": 1, "color": QUIET})
    figure.update_layout(template=template(dark), height=340, yaxis_title=title)
    figure.update_yaxes(type="log", exponentformat="power", **decades([*deviations, 1.0], 1))
    figure.update_xaxes(tickangle=-60, showgrid=False, tickfont={"size": 11}, type="category")
    return figure
