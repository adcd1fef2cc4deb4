"""How estimates of mean and variance scatter with the size of the batch."""

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from resviz.figures.batchnorm.drift import QUIET, Words
from resviz.figures.log_axis import decades
from resviz.figures.theme import GREEN, PURPLE, SKY, template

if TYPE_CHECKING:
    from resviz.probes.batchnorm.batch_size import BatchSizes

SHOWN = 80  # draws of a size that are drawn as points


def estimates(sizes: "BatchSizes", channel: int, words: Words, dark: bool) -> go.Figure:
    """Each point is one batch's mean of one channel; the lines are the true mean and one theoretical deviation.

    Across is the number of images in the batch, doubled from step to step: the funnel closes like
    1/sqrt(n).
    """
    shown = sizes.means[:, :SHOWN, channel]
    apart = np.linspace(-0.3, 0.3, shown.shape[1])
    at = (np.arange(len(sizes.sizes))[:, None] + apart).ravel()
    band = sizes.mean_theory[:, channel] * np.sqrt(sizes.variance[channel] + sizes.eps)
    ticks, line = np.arange(len(band)), {"color": PURPLE, "width": 2}
    upper, lower = sizes.mean[channel] + band, sizes.mean[channel] - band
    figure = go.Figure(
        [
            go.Scatter(
                x=at,
                y=shown.ravel(),
                mode="markers",
                name=words.first,
                marker={"size": 4, "color": SKY},
            ),
            go.Scatter(x=ticks, y=upper, mode="lines", name=words.second, line=line),
            go.Scatter(x=ticks, y=lower, mode="lines", line=line, showlegend=False),
        ]
    )
    figure.update_traces(hovertemplate="%{y:.3g}<extra></extra>")
    figure.add_hline(y=sizes.mean[channel], line={"dash": "dot", "width": 1, "color": QUIET})
    figure.update_xaxes(tickvals=ticks, ticktext=[str(n) for n in sizes.sizes], showgrid=False)
    return _framed(figure, words, dark)


def errors(
    sizes: "BatchSizes", names: tuple[str, str, str, str, str], words: Words, dark: bool
) -> go.Figure:
    """Typical errors over the size of the batch, both on logarithmic scales; dashed is the theory, a straight line.

    `names`: error of the mean, its theory, error of the variance, change of the output, and what
    the mean's error would be if the cells of an image were independent. Each is a root mean square
    over all channels.
    """

    def over_channels(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt((values**2).mean(1)))

    lines = (
        (over_channels(sizes.mean_error), SKY, "solid", "lines+markers"),
        (over_channels(sizes.mean_theory), PURPLE, "dash", "lines"),
        (over_channels(sizes.variance_error), GREEN, "solid", "lines+markers"),
        (over_channels(sizes.output_error), QUIET, "solid", "lines+markers"),
        (sizes.independent_cells, QUIET, "dot", "lines"),
    )
    figure = go.Figure(
        [
            go.Scatter(
                x=sizes.sizes, y=y, name=name, mode=mode, line={"color": colour, "dash": dash}
            )
            for name, (y, colour, dash, mode) in zip(names, lines, strict=True)
        ]
    )
    figure.update_traces(hovertemplate="%{x}: %{y:.2g}<extra></extra>")
    figure.update_xaxes(type="log", tickvals=sizes.sizes, ticktext=[str(n) for n in sizes.sizes])
    figure.update_yaxes(type="log", **decades(np.concatenate([line[0] for line in lines]), 1))
    return _framed(figure, words, dark)


def _framed(figure: go.Figure, words: Words, dark: bool) -> go.Figure:
    figure.update_layout(
        template=template(dark),
        height=400,
        xaxis_title=words.x,
        yaxis_title=words.y,
        legend={"orientation": "h", "y": -0.2, "x": 0},
    )
    return figure
