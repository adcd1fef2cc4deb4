"""What the figures on BatchNorm share: frame, legend, the axis of layers, a dotted reference."""

from typing import Any

import plotly.graph_objects as go

from resviz.figures.theme import QUIET, template

DOTTED = {"dash": "dot", "width": 1, "color": QUIET}
LEGEND_ABOVE = {"orientation": "h", "y": 1.03, "yanchor": "bottom", "x": 0}


def legend_below(y: float) -> dict[str, Any]:
    """A legend in one line under the axis, at this share of the plot's height."""
    return {"orientation": "h", "y": y, "x": 0}


def frame(figure: go.Figure, dark: bool, height: int, **layout: Any) -> go.Figure:
    """Give the figure its theme and height in pixels, and what else plotly's layout has."""
    return figure.update_layout(template=template(dark), height=height, **layout)


def layer_axis(figure: go.Figure) -> None:
    """Write the names of many layers slanted under the horizontal axis."""
    figure.update_xaxes(
        tickangle=-60,
        showgrid=False,
        tickfont={"size": 11},
        type="category",
    )
