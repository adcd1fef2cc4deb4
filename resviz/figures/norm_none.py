"""The scale of a network's outputs over depth, where no BatchNorm holds it together."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from resviz.figures.batchnorm import QUIET
from resviz.figures.theme import GREEN, template


def spread(layers: Sequence[str], deviations: Sequence[float], title: str, dark: bool) -> go.Figure:
    """How far each convolution's outputs scatter, by depth, in powers of ten; the dotted line is 1.

    BatchNorm would put every layer on that line; without it the scale may grow or shrink from layer to layer.
    """
    dots = go.Scatter(
        x=list(layers), y=list(deviations), mode="lines+markers", line={"color": GREEN}, marker={"size": 6}
    )
    figure = go.Figure(dots.update(hovertemplate="%{x}: %{y:.3g}<extra></extra>"))
    figure.add_hline(y=1, line={"dash": "dot", "width": 1, "color": QUIET})
    figure.update_layout(template=template(dark), height=340, yaxis_title=title)
    low, high = (limit([v for v in deviations if v > 0] or [1.0]) for limit in (min, max))
    margin = max(0.3, 0.05 * math.log10(high / low))
    figure.update_yaxes(type="log", range=[math.log10(min(low, 1)) - margin, math.log10(max(high, 1)) + margin])
    figure.update_yaxes(dtick=1 if high / low > 10 else "D2", exponentformat="power")
    figure.update_xaxes(tickangle=-60, showgrid=False, tickfont={"size": 11}, type="category")
    return figure
