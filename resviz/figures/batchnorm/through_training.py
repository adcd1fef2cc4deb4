"""BatchNorm through training: what is stored in each layer at each step, and how the running averages begin."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int
from plotly.subplots import make_subplots

from resviz.figures.batchnorm.drift import QUIET
from resviz.figures.gradient_flow.depth_by_step import common_range
from resviz.figures.theme import GREEN, ORDERED, PURPLE, SIGNED, SKY, YELLOW, colourscale, template

HEIGHT = 460
KINDS = ("signed", "ordered", "powers")  # around zero; from smallest to largest; in powers of ten


@dataclass(frozen=True, slots=True)
class Course:
    """A quantity of one layer: its mean over the channels at each step, and its deviation over them."""

    title: str
    mean: Float[np.ndarray, " steps"]
    deviation: Float[np.ndarray, " steps"]


@dataclass(frozen=True, slots=True)
class Beginning:
    """A running average before the first step and after each of the next, and what each step's batch brought."""

    title: str
    running: Float[np.ndarray, " steps+1"]
    brought: Float[np.ndarray, " steps"]


def heatmap(
    steps: Int[np.ndarray, " steps"],
    values: Float[np.ndarray, "steps layers"],
    layers: Sequence[str],
    chosen: int,
    kind: str,
    titles: tuple[str, str, str],
    dark: bool,
) -> go.Figure:
    """One column for each step, one row for each layer, the input at the bottom; the frame is the layer `chosen`.

    `kind` is one of `KINDS`: white is zero and red above it, or yellow is large. `titles` of step,
    layer and quantity.
    """
    figure = go.Figure(
        go.Heatmap(
            x=steps,
            y=np.arange(1, len(layers) + 1),
            customdata=np.broadcast_to(values.T[:, :, None], (len(layers), len(steps), 1)),
            text=np.broadcast_to(np.array(layers)[:, None], (len(layers), len(steps))),
            hovertemplate="%{text}, %{x}: %{customdata[0]:.3g}<extra></extra>",
            **_coloured(values, kind, titles[2]),
        )
    )
    figure.add_hrect(
        y0=chosen + 0.5,
        y1=chosen + 1.5,
        line={"color": YELLOW, "width": 2},
        fillcolor="rgba(0,0,0,0)",
    )
    figure.update_layout(
        template=template(dark),
        height=HEIGHT,
        xaxis={"title": titles[0]},
        yaxis={"title": titles[1]},
    )
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(showgrid=False)
    return figure


def _coloured(values: np.ndarray, kind: str, title: str) -> dict[str, object]:
    """Numbers and colours of the cells, and the colour bar; what is not finite is left empty."""
    z = np.where(np.isfinite(values), values, np.nan).astype(float)
    bar: dict[str, object] = {"title": {"text": title, "side": "right"}, "thickness": 12}
    if kind == "powers":
        low, high = common_range([z])
        ticks = np.arange(np.ceil(low), np.floor(high) + 1)
        if len(ticks) > 1:
            bar |= {"tickvals": ticks, "ticktext": [f"{10.0**tick:g}" for tick in ticks]}
        else:
            bar |= {"tickvals": [low, high], "ticktext": [f"{10**low:.2g}", f"{10**high:.2g}"]}
        z = np.log10(np.where(z > 0, z, np.nan))
    elif kind == "signed":
        high = reach(z)
        low = -high
    else:
        low, high = float(np.nanmin(z)), float(np.nanmax(z))
    palette = SIGNED if kind == "signed" else ORDERED
    return {
        "z": z.T,
        "zmin": low,
        "zmax": high,
        "colorscale": colourscale(palette),
        "colorbar": bar,
    }


def reach(values: Float[np.ndarray, "steps layers"]) -> float:
    """Where signed colours end: 95% of the numbers lie within, so that one layer does not leave the others pale."""
    sizes = np.abs(values[np.isfinite(values)])
    return (float(np.quantile(sizes, 0.95)) or float(sizes.max()) or 1.0) if sizes.size else 1.0


def courses(
    steps: Int[np.ndarray, " steps"], parts: Sequence[Course], step: str, dark: bool
) -> go.Figure:
    """One layer's quantities over the steps, one under the other: the line is the mean over its channels.

    The band is one deviation of the channels to either side: how much they differ, not an error.
    """
    figure = make_subplots(rows=len(parts), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for row, (part, colour) in enumerate(
        zip(parts, (SKY, PURPLE, GREEN, YELLOW), strict=False), start=1
    ):
        upper, lower = part.mean + part.deviation, part.mean - part.deviation
        band = go.Scatter(
            x=np.concatenate([steps, steps[::-1]]),
            y=np.concatenate([upper, lower[::-1]]),
            fill="toself",
            fillcolor=_faint(colour),
            mode="lines",
            line={"width": 0},
            hoverinfo="skip",
        )
        line = go.Scatter(x=steps, y=part.mean, mode="lines", line={"color": colour, "width": 2})
        figure.add_trace(band, row=row, col=1)
        figure.add_trace(line.update(hovertemplate="%{x}: %{y:.3g}<extra></extra>"), row=row, col=1)
        figure.update_yaxes(title_text=part.title, row=row, col=1)
    figure.update_xaxes(title_text=step, row=len(parts), col=1)
    figure.update_layout(template=template(dark), height=HEIGHT - 70, showlegend=False)
    return figure


def beginnings(
    parts: Sequence[Beginning], names: tuple[str, str], step: str, dark: bool
) -> go.Figure:
    """Side by side: the line is the running average, at 0 as it was before training; a dot is what a batch brought.

    `names` of the line and of the dots, `step` the title below. The line goes a tenth of the way to
    each dot.
    """
    figure = make_subplots(rows=1, cols=len(parts), horizontal_spacing=0.15)
    for column, part in enumerate(parts, start=1):
        after = np.arange(len(part.running))
        line = go.Scatter(
            x=after,
            y=part.running,
            name=names[0],
            mode="lines+markers",
            line={"color": PURPLE, "width": 2.5},
            marker={"size": 6},
        )
        dots = go.Scatter(
            x=after[1:],
            y=part.brought,
            name=names[1],
            mode="markers",
            marker={"color": SKY, "size": 9, "symbol": "diamond"},
        )
        for trace in (line, dots):
            trace.update(showlegend=column == 1, hovertemplate="%{x}: %{y:.3g}<extra></extra>")
            figure.add_trace(trace, row=1, col=column)
        figure.add_hline(
            y=part.running[0], line={"dash": "dot", "width": 1, "color": QUIET}, row=1, col=column
        )
        figure.update_yaxes(title_text=part.title, row=1, col=column)
    figure.update_xaxes(title_text=step, dtick=1)
    legend = {"orientation": "h", "y": 1.03, "yanchor": "bottom", "x": 0}
    figure.update_layout(template=template(dark), height=300, legend=legend, margin={"t": 36})
    return figure


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.22)"
