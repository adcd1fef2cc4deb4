"""How estimates of mean and variance scatter with the size of the batch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from resviz.figures.batchnorm.frames import DOTTED, frame, legend_below
from resviz.figures.log_axis import decades
from resviz.figures.theme import GREEN, PURPLE, QUIET, SKY

if TYPE_CHECKING:
    from resviz.probes.batchnorm.batch_size import BatchSizes

SHOWN = 80  # draws of a size that are drawn as points
HEIGHT = 400


@dataclass(frozen=True, slots=True)
class EstimateLabels:
    """Titles of the axes, and the names of a point and of the theoretical band."""

    images: str
    mean: str
    batch: str
    theory: str


@dataclass(frozen=True, slots=True)
class ErrorLabels:
    """Titles of the axes, and the names of the five lines."""

    images: str
    error: str
    mean: str
    mean_theory: str
    variance: str
    output: str
    independent: str


def estimates(sizes: "BatchSizes", channel: int, labels: EstimateLabels, dark: bool) -> go.Figure:
    """Draw the mean of one channel in many batches of each size.

    How to read: a point is one batch, the dotted line the mean of all images. The number of images
    doubles from step to step, and the theoretical band of one standard deviation closes like
    1/sqrt(n).
    """
    figure = go.Figure([_batches(sizes, channel, labels.batch), *_band(sizes, channel, labels)])
    figure.update_traces(hovertemplate="%{y:.3g}<extra></extra>")
    figure.add_hline(y=sizes.mean[channel], line=DOTTED)
    names = [str(size) for size in sizes.sizes]
    steps = np.arange(len(names))
    figure.update_xaxes(title=labels.images, tickvals=steps, ticktext=names, showgrid=False)
    figure.update_yaxes(title=labels.mean)
    return frame(figure, dark, HEIGHT, legend=legend_below(-0.2))


def _batches(sizes: "BatchSizes", channel: int, name: str) -> go.Scatter:
    """The drawn batches as points, side by side so that they do not hide each other."""
    means = sizes.means[:, :SHOWN, channel]
    offsets = np.linspace(-0.3, 0.3, means.shape[1])
    steps = np.arange(len(sizes.sizes))[:, None]
    return go.Scatter(
        x=(steps + offsets).ravel(),
        y=means.ravel(),
        mode="markers",
        name=name,
        marker={"size": 4, "color": SKY},
    )


def _band(sizes: "BatchSizes", channel: int, labels: EstimateLabels) -> list[go.Scatter]:
    """One theoretical standard deviation above the mean of all images, and one below."""
    sigma = np.sqrt(sizes.variance[channel] + sizes.eps)
    half = sizes.mean_theory[:, channel] * sigma
    mean = sizes.mean[channel]
    edges = [_edge(mean + half, labels.theory), _edge(mean - half, labels.theory)]
    edges[1].showlegend = False
    return edges


def _edge(heights: np.ndarray, name: str) -> go.Scatter:
    return go.Scatter(
        x=np.arange(len(heights)),
        y=heights,
        mode="lines",
        name=name,
        line={"color": PURPLE, "width": 2},
    )


def errors(sizes: "BatchSizes", labels: ErrorLabels, dark: bool) -> go.Figure:
    """Draw the typical error of a batch's statistics over its size, both on logarithmic scales.

    How to read: an error is a root mean square over all channels. The dashed theory is a straight
    line: four times the images, half the error. The dotted line is what the mean's error would be
    if the cells of an image were independent.
    """
    figure = go.Figure(_error_lines(sizes, labels))
    figure.update_traces(hovertemplate="%{x}: %{y:.2g}<extra></extra>")
    ticks = [str(size) for size in sizes.sizes]
    figure.update_xaxes(
        title=labels.images,
        type="log",
        tickvals=sizes.sizes,
        ticktext=ticks,
    )
    values = np.concatenate([line.y for line in figure.data])
    figure.update_yaxes(title=labels.error, type="log", **decades(values, 1))
    return frame(figure, dark, HEIGHT, legend=legend_below(-0.2))


def _error_lines(sizes: "BatchSizes", labels: ErrorLabels) -> list[go.Scatter]:
    lines = (
        (labels.mean, over_channels(sizes.mean_error), SKY, "solid"),
        (labels.mean_theory, over_channels(sizes.mean_theory), PURPLE, "dash"),
        (labels.variance, over_channels(sizes.variance_error), GREEN, "solid"),
        (labels.output, over_channels(sizes.output_error), QUIET, "solid"),
        (labels.independent, sizes.independent_cells, QUIET, "dot"),
    )
    return [_error_line(sizes.sizes, *line) for line in lines]


def over_channels(errors_of_channels: np.ndarray) -> np.ndarray:
    """The root mean square over the channels, (sizes, channels) to (sizes,)."""
    return np.asarray(np.sqrt((errors_of_channels**2).mean(1)))


def _error_line(
    sizes: np.ndarray, name: str, error: np.ndarray, colour: str, dash: str
) -> go.Scatter:
    measured = dash == "solid"
    return go.Scatter(
        x=sizes,
        y=error,
        name=name,
        mode="lines+markers" if measured else "lines",
        line={"color": colour, "dash": dash},
    )
