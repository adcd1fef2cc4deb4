"""Through the shortcut or through the branch: the shortcut's share at each block."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from resviz.figures.gradient_flow.profile import HEIGHT, Line, curve
from resviz.figures.theme import template

MARGIN = 0.03  # above and below what is drawn, as a share of the whole sum


@dataclass(frozen=True, slots=True)
class Labels:
    """Headings of the two panels, and the title of the axis below both."""

    backward: str
    forward: str
    depth: str


def shares(
    backward: Sequence[Line], forward: Sequence[Line], labels: Labels, dark: bool
) -> go.Figure:
    """Draw the shortcut's share at each block: of the gradient, and of the signal.

    How to read: at 100 % all comes through the shortcut, at 0 % all through the branch; above 100 %
    the branch works against the shortcut. Median over the seeds.
    """
    # one title below both panels: two of them run into each other where the page is narrow
    figure = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.04, x_title=labels.depth)
    for column, lines in enumerate((backward, forward), start=1):
        for line in lines:
            trace = curve(line, np.asarray(np.median(line.values, 0)), "%{y:.1%}")
            trace.update(showlegend=column == 1, legendgroup=line.title)
            figure.add_trace(trace, 1, column)
    figure.update_layout(
        template=template(dark),
        height=HEIGHT,
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.1, "yanchor": "bottom", "x": 0},
        margin={"t": 64, "b": 64},
    )
    figure.update_annotations(font_size=14)  # the axis title is one of them
    figure.update_yaxes(tickformat=".0%", range=_range([*backward, *forward]))
    _add_heading(figure, labels.backward, figure.layout.xaxis.domain[0])
    _add_heading(figure, labels.forward, figure.layout.xaxis2.domain[0])
    return figure


def _range(lines: Sequence[Line]) -> list[float]:
    values = np.concatenate([line.values.ravel() for line in lines] or [np.empty(0)])
    drawn = values[np.isfinite(values)]  # a sum of nothing, as behind zero weights, has no share
    lowest, highest = drawn.min(initial=0.0), drawn.max(initial=1.0)
    return [float(lowest) - MARGIN, float(highest) + MARGIN]


def _add_heading(figure: go.Figure, text: str, left: float) -> None:
    figure.add_annotation(
        text=f"<b>{text}</b>",
        x=left,
        y=1,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
    )
