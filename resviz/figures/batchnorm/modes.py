"""How far each layer's output moves where BatchNorm normalises with other statistics."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from resviz.figures.batchnorm.frames import LEGEND_ABOVE, frame, layer_axis
from resviz.figures.theme import GREEN, PURPLE


@dataclass(frozen=True, slots=True)
class Labels:
    """Title of the vertical axis, and the names of the two lines."""

    change: str
    own: str
    recalibrated: str


def changes(
    layers: Sequence[str],
    own: Float[np.ndarray, " layers"],
    recalibrated: Float[np.ndarray, " layers"],
    labels: Labels,
    dark: bool,
) -> go.Figure:
    """Draw how much each layer's output differs from evaluation mode, by depth.

    How to read: 100% is as much as the output itself. Solid are the batch's own statistics, dashed
    the recalibrated ones.
    """
    solid = _line(layers, own, labels.own, {"color": GREEN, "dash": "solid"})
    dashed = _line(layers, recalibrated, labels.recalibrated, {"color": PURPLE, "dash": "dash"})
    figure = go.Figure([solid, dashed])
    figure.update_yaxes(title=labels.change, rangemode="tozero", tickformat=".0%")
    layer_axis(figure)
    return frame(figure, dark, 400, margin={"t": 48}, legend=LEGEND_ABOVE)


def _line(
    layers: Sequence[str], change: np.ndarray, name: str, style: dict[str, str]
) -> go.Scatter:
    return go.Scatter(
        x=list(layers),
        y=change,
        name=name,
        mode="lines+markers",
        line=style,
        marker={"size": 5},
        hovertemplate="%{x}: %{y:.1%}<extra></extra>",
    )
