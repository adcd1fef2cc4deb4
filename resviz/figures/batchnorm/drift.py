"""Pictures of BatchNorm: drift over depth, gamma and beta over depth, one layer's channels, one channel's values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from resviz.figures import html, raster
from resviz.figures.theme import GREEN, PURPLE, SKY, YELLOW, template

if TYPE_CHECKING:
    from resviz.probes.batchnorm.statistics import BatchNormLayer, ChannelValues, Histogram

DRIFTS = raster.Range(-2.0, 1.0, False)  # log10 of nats: 0.01 to 10, the same for all batches
QUIET = "#7A828C"


@dataclass(frozen=True, slots=True)
class Words:
    """Texts of a figure in the visitor's language."""

    x: str
    y: str
    first: str = ""
    second: str = ""
    third: str = ""


def drift_rows(
    layers: "Sequence[BatchNormLayer]", chosen: str, heads: tuple[str, str, str], alt: str
) -> str:
    """One row a layer in forward order: its channels from most to least drifted, the median, and those off or dead.

    Colours are on one fixed scale, 0.01 to 10 nats: dark lies where it was stored, yellow far off.
    `heads` name the three columns of numbers, `alt` is a row's title with {layer}.
    """
    names = "".join(f'<span class="muted">{escape(head)}</span>' for head in heads)
    head = f'<div class="line"><span></span><span></span>{names}</div>'
    rows = "".join(_drift_row(layer, layer.layer == chosen, alt) for layer in layers)
    legend = raster.data_uri(raster.scale_png(False))
    ticks = "".join(f"<span>{value}</span>" for value in ("≤ 0.01", "0.1", "1", "≥ 10"))
    bar = f'<img src="{legend}" alt=""><div>{ticks}</div>'
    scale = f'<div class="line"><span></span><div class="ticks number muted">{bar}</div></div>'
    return f'<div class="drift">{head}<div class="rows">{rows}</div>{scale}</div>'


def _drift_row(layer: "BatchNormLayer", on: bool, alt: str) -> str:
    name, title = escape(layer.layer), escape(alt.format(layer=layer.layer))
    values = np.sort(layer.divergence)[::-1]
    image = raster.data_uri(raster.map_png(np.log10(values.clip(1e-6))[None], DRIFTS))
    numbers = (
        f"{layer.drift:.2f}",
        *(str(n) if n else "·" for n in (len(layer.switched_off), len(layer.dead))),
    )
    cells = "".join(f'<span class="number">{escape(number)}</span>' for number in numbers)
    return (
        f'<div class="line{" on" if on else ""}" data-pick="{name}" title="{title}" aria-label="{title}">'
        f'<span class="label">{name}</span><img class="pixel" src="{image}" alt="">{cells}</div>'
    )


def pictures(tiles: Sequence[html.Tile], chosen: str | None) -> str:
    """The pictures of a batch in rows; one can be chosen by a click unless `chosen` is None."""
    if chosen is not None:
        return f'<div class="batch">{html.thumbnails(tiles, chosen)}</div>'
    images = "".join(
        f'<img src="{tile.image}" alt="{escape(tile.heading)}" title="{escape(tile.heading)}">'
        for tile in tiles
    )
    return f'<div class="batch"><div class="thumbs">{images}</div></div>'


def affine_violins(
    layers: Sequence[str],
    gammas: Sequence[Float[np.ndarray, "..."] | None],
    betas: Sequence[Float[np.ndarray, "..."]],
    words: tuple[str, str],
    dark: bool,
) -> go.Figure:
    """How gamma (above) and beta (below) are spread over the channels of each layer, in forward order.

    A wide place is a value that many channels have; a gamma near the dotted zero switches its
    channel off.
    """
    with_gamma = [g is not None for g in gammas]
    both = any(with_gamma)
    figure = make_subplots(rows=2 if both else 1, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for name, gamma, beta in zip(layers, gammas, betas, strict=True):
        if gamma is not None:
            figure.add_trace(_violin(name, gamma, GREEN), row=1, col=1)
        figure.add_trace(_violin(name, beta, PURPLE), row=2 if both else 1, col=1)
    figure.update_layout(
        template=template(dark), height=420 if both else 260, showlegend=False, violingap=0.15
    )
    figure.update_xaxes(tickangle=-60, showgrid=False, tickfont={"size": 11})
    for row, title in enumerate(words if both else words[1:], start=1):
        figure.update_yaxes(title_text=title, row=row, col=1)
        figure.add_hline(y=0, line={"dash": "dot", "width": 1, "color": QUIET}, row=row, col=1)
    return figure


def _violin(name: str, values: Float[np.ndarray, "..."], colour: str) -> go.Violin:
    shown = values if values.size <= 256 else np.quantile(values, np.linspace(0, 1, 257))
    return go.Violin(
        x0=name,
        y=shown.round(4),
        name=name,
        points=False,
        spanmode="hard",
        width=0.9,
        line={"color": colour, "width": 1},
        hoveron="violins",
        hoverinfo="y+name",
    )


def channel_cloud(layer: "BatchNormLayer", chosen: int, words: Words, dark: bool) -> go.Figure:
    """Every channel of a layer by how far its mean moved (across) and how its spread changed (up); the ring is chosen.

    The cross in the middle is no drift. Up is a wider spread than stored, down a narrower one;
    doubling is one line.
    """
    ratio = np.exp2(layer.log_ratio / math.log(2) / 2)  # of deviations
    numbers = np.arange(len(ratio))
    dots = go.Scatter(
        x=layer.shift,
        y=ratio,
        mode="markers",
        customdata=numbers,
        marker={"size": 7, "color": SKY, "opacity": 0.75, "line": {"width": 0}},
        hovertemplate=f"{words.first} %{{customdata}}<br>{words.x}: %{{x:.3g}}<br>{words.y}: %{{y:.3g}}<extra></extra>",
        selected={"marker": {"opacity": 0.75}},
        unselected={"marker": {"opacity": 0.75}},
    )
    ring = go.Scatter(
        x=layer.shift[[chosen]],
        y=ratio[[chosen]],
        mode="markers",
        marker={"size": 15, "color": "rgba(0,0,0,0)", "line": {"width": 3, "color": YELLOW}},
        hoverinfo="none",
    )
    figure = go.Figure([dots, ring])
    figure.update_layout(
        template=template(dark),
        height=330,
        showlegend=False,
        xaxis_title=words.x,
        yaxis_title=words.y,
        dragmode=False,
    )
    reach = max(0.5, float(np.abs(layer.shift).max())) * 1.08
    figure.update_xaxes(range=[-reach, reach])
    wide = max(1.0, float(np.abs(np.log10(ratio.clip(1e-3))).max()) / math.log10(2)) * 1.08
    ticks = [2.0**i for i in range(-math.ceil(wide), math.ceil(wide) + 1, max(1, round(wide / 3)))]
    figure.update_yaxes(
        type="log",
        range=[-wide * math.log10(2), wide * math.log10(2)],
        tickvals=ticks,
        ticktext=[f"×{t:g}" if t >= 1 else f"÷{1 / t:g}" for t in ticks],
    )
    line = {"dash": "dot", "width": 1, "color": QUIET}
    figure.add_hline(y=1, line=line)
    figure.add_vline(x=0, line=line)
    return figure


def channel_histograms(
    values: "ChannelValues",
    layer: "BatchNormLayer",
    titles: Sequence[str],
    words: Words,
    dark: bool,
) -> go.Figure:
    """One channel's values before the layer, after it and after the ReLU; heights are shares per unit of value.

    The purple curve is the Gaussian of the running statistics, that is what the layer expects;
    after the layer it has mean beta and deviation |gamma|. The dashed curve has the mean and the
    spread of what came.
    """
    c = values.channel
    parts = [values.before, values.after, *([values.rectified] if values.rectified else [])]
    expected = [
        (layer.running_mean[c], layer.running_variance[c]),
        (layer.beta[c], layer.gamma[c] ** 2),
    ]
    figure = make_subplots(
        rows=1, cols=len(parts), subplot_titles=list(titles)[: len(parts)], horizontal_spacing=0.07
    )
    for column, part in enumerate(parts, start=1):
        figure.add_trace(_bars(part, words.first, column == 1), row=1, col=column)
        if column <= len(expected):
            for trace in _gaussians(part, *expected[column - 1], words, column == 1):
                figure.add_trace(trace, row=1, col=column)
    figure.update_layout(
        template=template(dark),
        height=290,
        bargap=0,
        margin={"t": 44},
        legend={"orientation": "h", "y": -0.32, "x": 0},
    )
    figure.update_annotations(font_size=13)
    figure.update_yaxes(showticklabels=False, showgrid=False)
    figure.update_xaxes(title_text=words.x)
    return figure


def _bars(part: "Histogram", name: str, legend: bool) -> go.Bar:
    width = np.diff(part.edges)
    return go.Bar(
        x=(part.edges[:-1] + part.edges[1:]) / 2,
        y=part.counts / part.counts.sum() / width,
        width=width,
        name=name,
        showlegend=legend,
        marker={"color": SKY, "line": {"width": 0}},
        customdata=part.counts,
        hovertemplate="%{x:.3g}: %{customdata}<extra></extra>",
    )


def _gaussians(
    part: "Histogram", mean: float, variance: float, words: Words, legend: bool
) -> list[go.Scatter]:
    """What was expected, and what came; a spread of zero is no curve."""
    lines = []
    for name, centre, spread, line in (
        (words.second, mean, variance, {"color": PURPLE, "width": 2.5}),
        (words.third, part.mean, part.variance, {"color": QUIET, "width": 1.5, "dash": "dash"}),
    ):
        if spread > 0 and math.isfinite(spread):
            x = centre + math.sqrt(spread) * np.linspace(-3.5, 3.5, 81)
            y = np.exp(-((x - centre) ** 2) / (2 * spread)) / math.sqrt(2 * math.pi * spread)
            lines.append(
                go.Scatter(
                    x=x,
                    y=y,
                    name=name,
                    line=line,
                    mode="lines",
                    showlegend=legend,
                    hoverinfo="skip",
                )
            )
    return lines


def changes(
    layers: Sequence[str],
    lines: Sequence[tuple[str, Float[np.ndarray, " layers"]]],
    words: Words,
    dark: bool,
) -> go.Figure:
    """How much each layer's output differs from evaluation mode, by depth; 100% is as much as the output itself."""
    styles = ({"color": GREEN, "dash": "solid"}, {"color": PURPLE, "dash": "dash"})
    figure = go.Figure(
        [
            go.Scatter(
                x=list(layers),
                y=values,
                name=name,
                mode="lines+markers",
                line=style,
                marker={"size": 5},
            )
            for (name, values), style in zip(lines, styles, strict=True)
        ]
    )
    figure.update_traces(hovertemplate="%{x}: %{y:.1%}<extra></extra>")
    figure.update_layout(
        template=template(dark),
        height=400,
        yaxis_title=words.y,
        margin={"t": 48},
        legend={"orientation": "h", "y": 1.03, "yanchor": "bottom", "x": 0},
    )
    figure.update_yaxes(rangemode="tozero", tickformat=".0%")
    figure.update_xaxes(tickangle=-60, showgrid=False, tickfont={"size": 11}, type="category")
    return figure
