"""One layer's channels by how far they drifted, and one channel's values around the layer."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from resviz.figures.batchnorm.frames import DOTTED, frame, legend_below
from resviz.figures.theme import PURPLE, QUIET, SKY, YELLOW

if TYPE_CHECKING:
    from resviz.probes.batchnorm.channels import ChannelValues, Histogram
    from resviz.probes.batchnorm.statistics import BatchNormLayer

MARGIN = 1.08  # of an axis beyond its farthest point


@dataclass(frozen=True, slots=True)
class CloudLabels:
    """Titles of the axes, and the word for a channel."""

    shift: str
    spread: str
    channel: str


@dataclass(frozen=True, slots=True)
class HistogramLabels:
    """Headings of the three histograms, the title below them, and the names in the legend."""

    before: str
    after: str
    rectified: str
    value: str
    values: str
    expected: str
    actual: str


def channel_cloud(
    layer: "BatchNormLayer", chosen: int, labels: CloudLabels, dark: bool
) -> go.Figure:
    """Draw every channel by how far its mean moved (across) and how its spread changed (up).

    How to read: the cross in the middle is no drift. Up is a wider spread than stored, down a
    narrower one, in powers of two. The ring is the chosen channel.
    """
    spread = np.exp(layer.log_ratio / 2)  # of standard deviations, not of variances
    figure = go.Figure([_dots(layer.shift, spread, labels), _ring(layer.shift, spread, chosen)])
    reach = MARGIN * max(0.5, float(np.abs(layer.shift).max()))
    figure.update_xaxes(title=labels.shift, range=[-reach, reach])
    figure.update_yaxes(title=labels.spread, **_octaves(spread))
    figure.add_hline(y=1, line=DOTTED)
    figure.add_vline(x=0, line=DOTTED)
    return frame(figure, dark, 330, showlegend=False, dragmode=False)


def _dots(shift: np.ndarray, spread: np.ndarray, labels: CloudLabels) -> go.Scatter:
    hover = (
        f"{labels.channel} %{{customdata}}<br>"
        f"{labels.shift}: %{{x:.3g}}<br>"
        f"{labels.spread}: %{{y:.3g}}<extra></extra>"
    )
    # A click selects a point, and plotly fades the others unless told not to.
    visible = {"marker": {"opacity": 0.75}}
    return go.Scatter(
        x=shift,
        y=spread,
        mode="markers",
        customdata=np.arange(len(spread)),
        marker={"size": 7, "color": SKY, "opacity": 0.75, "line": {"width": 0}},
        hovertemplate=hover,
        selected=visible,
        unselected=visible,
    )


def _ring(shift: np.ndarray, spread: np.ndarray, chosen: int) -> go.Scatter:
    hollow = {"size": 15, "color": "rgba(0,0,0,0)", "line": {"width": 3, "color": YELLOW}}
    return go.Scatter(
        x=shift[[chosen]],
        y=spread[[chosen]],
        mode="markers",
        marker=hollow,
        hoverinfo="none",
    )


def _octaves(spread: np.ndarray) -> dict[str, object]:
    """A logarithmic axis around 1, with ticks at powers of two."""
    octaves = np.log2(spread.clip(1e-3))
    reach = MARGIN * max(1.0, float(np.abs(octaves).max()))
    last, step = math.ceil(reach), max(1, round(reach / 3))
    ticks = [2.0**octave for octave in range(-last, last + 1, step)]
    span = reach * math.log10(2)
    names = [f"×{tick:g}" if tick >= 1 else f"÷{1 / tick:g}" for tick in ticks]
    return {"type": "log", "range": [-span, span], "tickvals": ticks, "ticktext": names}


def channel_histograms(
    values: "ChannelValues", layer: "BatchNormLayer", labels: HistogramLabels, dark: bool
) -> go.Figure:
    """Draw one channel's values before the layer, after it and after the ReLU, where one follows.

    How to read: heights are shares per unit of value. The purple curve is the Gaussian that the
    running statistics promise: before the layer it has their mean and variance, after it mean beta
    and standard deviation |gamma|. The dashed curve has the mean and the spread of the values.
    """
    parts = {labels.before: values.before, labels.after: values.after}
    if values.rectified:
        parts[labels.rectified] = values.rectified
    figure = make_subplots(1, len(parts), subplot_titles=list(parts), horizontal_spacing=0.07)
    promises = _promises(layer, values.channel)
    for column, part in enumerate(parts.values(), start=1):
        for trace in _column(part, promises.get(column), labels):
            figure.add_trace(trace, row=1, col=column)
    # The same names stand in each column: one of them is enough in the legend.
    figure.update_traces(showlegend=False)
    figure.update_traces(showlegend=True, col=1)
    figure.update_annotations(font_size=13)
    figure.update_yaxes(showticklabels=False, showgrid=False)
    figure.update_xaxes(title=labels.value)
    return frame(figure, dark, 290, bargap=0, margin={"t": 44}, legend=legend_below(-0.32))


def _promises(layer: "BatchNormLayer", channel: int) -> dict[int, tuple[float, float]]:
    """Mean and variance that the running statistics promise, by column; none behind a ReLU."""
    before = (float(layer.running_mean[channel]), float(layer.running_variance[channel]))
    after = (float(layer.beta[channel]), float(layer.gamma[channel]) ** 2)
    return {1: before, 2: after}


def _column(
    part: "Histogram", promise: tuple[float, float] | None, labels: HistogramLabels
) -> list[go.Bar | go.Scatter]:
    traces: list[go.Bar | go.Scatter] = [_bars(part, labels.values)]
    if promise is None:
        return traces
    purple = {"color": PURPLE, "width": 2.5}
    dashed = {"color": QUIET, "width": 1.5, "dash": "dash"}
    traces += _gaussian(labels.expected, *promise, purple)
    traces += _gaussian(labels.actual, part.mean, part.variance, dashed)
    return traces


def _bars(part: "Histogram", name: str) -> go.Bar:
    width = np.diff(part.edges)
    density = part.counts / part.counts.sum() / width
    return go.Bar(
        x=(part.edges[:-1] + part.edges[1:]) / 2,
        y=density,
        width=width,
        name=name,
        marker={"color": SKY, "line": {"width": 0}},
        customdata=part.counts,
        hovertemplate="%{x:.3g}: %{customdata}<extra></extra>",
    )


def _gaussian(name: str, mean: float, variance: float, line: dict[str, Any]) -> list[go.Scatter]:
    """The curve; none for a variance of zero, or one that is not known."""
    if not 0 < variance < math.inf:
        return []
    std = math.sqrt(variance)
    z = np.linspace(-3.5, 3.5, 81)
    density = np.exp(-(z**2) / 2) / (std * math.sqrt(2 * math.pi))
    return [
        go.Scatter(
            x=mean + std * z, y=density, name=name, line=line, mode="lines", hoverinfo="skip"
        )
    ]
