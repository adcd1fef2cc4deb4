"""BatchNorm through training: what each layer stores at each step, as a heatmap and as curves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int
from plotly.subplots import make_subplots

from resviz.figures.batchnorm.frames import frame
from resviz.figures.log_axis import common_range
from resviz.figures.theme import GREEN, ORDERED, PURPLE, SKY, YELLOW, colourscale, signed

HEIGHT = 460
KINDS = ("signed", "ordered", "powers")  # around zero; from smallest to largest; in powers of ten
COLOURS = (SKY, PURPLE, GREEN, YELLOW)


@dataclass(frozen=True, slots=True)
class HeatmapLabels:
    """Titles of the axes and of the colours."""

    step: str
    layer: str
    quantity: str


@dataclass(frozen=True, slots=True)
class CourseLabels:
    """Title of the horizontal axis."""

    step: str


@dataclass(frozen=True, slots=True)
class Course:
    """A quantity of one layer at each step: its mean over the channels, and its std over them."""

    title: str
    mean: Float[np.ndarray, " steps"]
    std: Float[np.ndarray, " steps"]


def heatmap(
    steps: Int[np.ndarray, " steps"],
    values: Float[np.ndarray, "steps layers"],
    layers: Sequence[str],
    chosen: int,
    kind: str,
    labels: HeatmapLabels,
    dark: bool,
) -> go.Figure:
    """Draw one column for each step and one row for each layer, the input at the bottom.

    How to read: the frame is the layer `chosen`. Of `kind` "signed", the page's own colour is zero
    and red lies above it; of "ordered" and "powers", yellow is large.
    """
    figure = go.Figure(_cells(steps, values, layers))
    figure.update_traces(**_colours(values, kind, labels.quantity, dark))
    border = {"color": YELLOW, "width": 2}
    figure.add_hrect(
        y0=chosen + 0.5,
        y1=chosen + 1.5,
        line=border,
        fillcolor="rgba(0,0,0,0)",
    )
    figure.update_xaxes(title=labels.step, showgrid=False)
    figure.update_yaxes(title=labels.layer, showgrid=False)
    return frame(figure, dark, HEIGHT)


def _cells(steps: np.ndarray, values: np.ndarray, layers: Sequence[str]) -> go.Heatmap:
    names = np.broadcast_to(np.array(layers)[:, None], values.T.shape)
    return go.Heatmap(
        x=steps,
        y=np.arange(1, len(layers) + 1),
        customdata=values.T[:, :, None],
        text=names,
        hovertemplate="%{text}, %{x}: %{customdata[0]:.3g}<extra></extra>",
    )


def _colours(values: np.ndarray, kind: str, title: str, dark: bool) -> dict[str, object]:
    """Numbers and colours of the cells, and the colour bar; what is not finite is left empty."""
    finite = np.where(np.isfinite(values), values, np.nan).astype(float)
    low, high = _range(finite, kind)
    bar: dict[str, object] = {"title": {"text": title, "side": "right"}, "thickness": 12}
    if kind == "powers":
        bar |= _powers_of_ten(low, high)
        finite = np.log10(np.where(finite > 0, finite, np.nan))
    colours = colourscale(signed(dark) if kind == "signed" else ORDERED)
    return {"z": finite.T, "zmin": low, "zmax": high, "colorscale": colours, "colorbar": bar}


def _range(finite: np.ndarray, kind: str) -> tuple[float, float]:
    """Where the colours begin and end; exponents of ten for powers."""
    if kind == "powers":
        return common_range([finite])
    if kind == "signed":
        high = reach(finite)
        return -high, high
    return float(np.nanmin(finite)), float(np.nanmax(finite))


def _powers_of_ten(low: float, high: float) -> dict[str, object]:
    """Ticks between two exponents; just the ends where fewer than two powers lie there."""
    powers = np.arange(np.ceil(low), np.floor(high) + 1)
    if len(powers) > 1:
        return {"tickvals": powers, "ticktext": [_power_of_ten(int(power)) for power in powers]}
    return {"tickvals": [low, high], "ticktext": [f"{10**low:.2g}", f"{10**high:.2g}"]}


def _power_of_ten(power: int) -> str:
    """In digits as long as they can be read."""
    if -4 <= power <= 5:
        return f"{10.0**power:,.{max(0, -power)}f}"
    return f"10<sup>{power}</sup>"


def reach(values: Float[np.ndarray, "steps layers"]) -> float:
    """Where signed colours end: 95% of the numbers lie within.

    One layer with large numbers would otherwise leave all others pale.
    """
    sizes = np.abs(values[np.isfinite(values)])
    if not sizes.size:
        return 1.0
    return float(np.quantile(sizes, 0.95)) or float(sizes.max()) or 1.0


def courses(
    steps: Int[np.ndarray, " steps"], parts: Sequence[Course], labels: CourseLabels, dark: bool
) -> go.Figure:
    """Draw one layer's quantities over the steps, one under the other.

    How to read: the line is the mean over the layer's channels. The band is one standard deviation
    of the channels to either side: how much they differ, not an error.
    """
    figure = make_subplots(rows=len(parts), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for row, (part, colour) in enumerate(zip(parts, COLOURS, strict=False), start=1):
        figure.add_trace(_std_band(steps, part, colour), row=row, col=1)
        figure.add_trace(_mean_line(steps, part, colour), row=row, col=1)
        figure.update_yaxes(title=part.title, row=row)
    figure.update_xaxes(title=labels.step, row=len(parts))
    return frame(figure, dark, HEIGHT - 70, showlegend=False)


def _mean_line(steps: np.ndarray, part: Course, colour: str) -> go.Scatter:
    return go.Scatter(
        x=steps,
        y=part.mean,
        mode="lines",
        line={"color": colour, "width": 2},
        hovertemplate="%{x}: %{y:.3g}<extra></extra>",
    )


def _std_band(steps: np.ndarray, part: Course, colour: str) -> go.Scatter:
    """One closed line: along the upper edge, and back along the lower one."""
    upper, lower = part.mean + part.std, part.mean - part.std
    return go.Scatter(
        x=np.concatenate([steps, steps[::-1]]),
        y=np.concatenate([upper, lower[::-1]]),
        fill="toself",
        fillcolor=_faint(colour),
        mode="lines",
        line={"width": 0},
        hoverinfo="skip",
    )


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.22)"
