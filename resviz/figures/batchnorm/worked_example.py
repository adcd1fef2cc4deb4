"""A batch on its way through BatchNorm, as dots on number lines."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from resviz.figures.batchnorm.drift import QUIET
from resviz.figures.theme import GREEN, PURPLE, SKY, YELLOW, template

COLOURS = (GREEN, PURPLE, SKY, YELLOW)
SYMBOLS = ("circle", "diamond", "square", "triangle-up")


def number_lines(
    rows: Sequence[tuple[str, Float[np.ndarray, "n c"]]], channel: str, dark: bool
) -> go.Figure:
    """One number line a step, first on top; a thin thread follows each value from step to step.

    Colour and mark are the channel. All lines share one scale, so that squeezing and moving can be
    seen; the dotted line is zero. `channel` is the word for a channel.
    """
    figure, heights = go.Figure(), np.arange(len(rows))[::-1]
    channels = rows[0][1].shape[1]
    for c in range(channels):
        lift = 0.1 * ((channels - 1) / 2 - c)  # so that channels do not hide each other
        for i in range(rows[0][1].shape[0]):
            values = [float(step[i, c]) for _, step in rows]
            figure.add_trace(
                go.Scatter(
                    x=values,
                    y=heights + lift,
                    mode="lines+markers",
                    name=f"{channel} {c + 1}",
                    legendgroup=str(c),
                    showlegend=i == 0,
                    line={"color": COLOURS[c], "width": 1},
                    marker={"size": 12, "color": COLOURS[c], "symbol": SYMBOLS[c]},
                    hovertemplate="%{x:.4g}<extra></extra>",
                )
            )
    figure.update_layout(
        template=template(dark),
        height=90 + 74 * len(rows),
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 96},
    )
    figure.update_yaxes(
        tickvals=heights,
        ticktext=[name for name, _ in rows],
        range=[-0.4, len(rows) - 0.6],
        tickfont={"size": 15},
    )
    figure.add_vline(x=0, line={"dash": "dot", "width": 1, "color": QUIET})
    return figure


def before_and_after(
    before: Float[np.ndarray, "n c"],
    after: Float[np.ndarray, "n c"],
    titles: tuple[str, str],
    added: str,
    dark: bool,
) -> go.Figure:
    """What goes in (left) and what comes out (right), value by value: a bias moves the left bars and no right one.

    `added` is written behind the names of what goes in.
    """
    figure = make_subplots(rows=1, cols=2, subplot_titles=titles, horizontal_spacing=0.1)
    for column, values in enumerate((before, after), start=1):
        for c in range(values.shape[1]):
            names = [
                f"x{_low(i + 1)}{added}" if column == 1 else f"y{_low(i + 1)}"
                for i in range(len(values))
            ]
            bars = go.Bar(x=names, y=values[:, c], marker={"color": COLOURS[c]}, showlegend=False)
            figure.add_trace(
                bars.update(hovertemplate="%{y:.4g}<extra></extra>"), row=1, col=column
            )
    figure.update_layout(
        template=template(dark), height=270, margin={"t": 40}, barmode="group", bargap=0.3
    )
    figure.update_annotations(font_size=13)
    return figure


def _low(number: int) -> str:
    return "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(number))
