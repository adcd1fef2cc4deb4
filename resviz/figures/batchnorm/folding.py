"""What a convolution is multiplied with, and what is added, once the BatchNorm behind it is folded in."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from resviz.figures.theme import GREEN, PURPLE, template


def factors(
    scale: Float[np.ndarray, " channels"],
    bias: Float[np.ndarray, " channels"],
    titles: tuple[str, str, str],
    dark: bool,
) -> go.Figure:
    """A bar for each channel: above the factor of its kernel, below its new bias; `titles` of channel, factor, bias.

    A bar near zero above is a channel that BatchNorm has switched off.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.07)
    for row, (values, colour, title) in enumerate(
        ((scale, GREEN, titles[1]), (bias, PURPLE, titles[2])), start=1
    ):
        bars = go.Bar(
            y=values,
            marker={"color": colour, "line": {"width": 0}},
            hovertemplate="%{x}: %{y:.4g}<extra></extra>",
        )
        figure.add_trace(bars, row=row, col=1)
        figure.update_yaxes(title_text=title, row=row, col=1)
    figure.update_xaxes(title_text=titles[0], row=2, col=1)
    figure.update_layout(
        template=template(dark),
        height=400,
        showlegend=False,
        bargap=0.15 if len(scale) < 200 else 0,
    )
    return figure
