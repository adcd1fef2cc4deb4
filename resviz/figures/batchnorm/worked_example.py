"""A batch as it passes through the steps of BatchNorm, as dots on number lines."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from resviz.figures.batchnorm.frames import DOTTED, LEGEND_ABOVE, frame
from resviz.figures.theme import GREEN, PURPLE, SKY, YELLOW

COLOURS = (GREEN, PURPLE, SKY, YELLOW)
SYMBOLS = ("circle", "diamond", "square", "triangle-up")
LIFT = 0.1  # between channels on one number line, so that they do not hide each other


@dataclass(frozen=True, slots=True)
class Step:
    """One number line: the name of the quantity, and its values for all images and channels."""

    name: str
    values: Float[np.ndarray, "n c"]


@dataclass(frozen=True, slots=True)
class LineLabels:
    """The word for a channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class BiasLabels:
    """Headings of both sides, and what is written behind the names of what goes in."""

    before: str
    after: str
    added: str


def number_lines(steps: Sequence[Step], labels: LineLabels, dark: bool) -> go.Figure:
    """Draw one number line a step, the first on top, with a thread from each value to the next.

    How to read: colour and mark are the channel. All lines share one scale, so that squeezing and
    moving can be seen; the dotted line is zero.
    """
    images, channels = steps[0].values.shape
    threads = [
        _thread(steps, image, channel, labels)
        for channel in range(channels)
        for image in range(images)
    ]
    figure = go.Figure(threads)
    names = [step.name for step in steps]
    figure.update_yaxes(tickvals=_heights(steps), ticktext=names, tickfont={"size": 15})
    figure.update_yaxes(range=[-0.4, len(steps) - 0.6])
    figure.add_vline(x=0, line=DOTTED)
    height = 90 + 74 * len(steps)
    return frame(figure, dark, height, legend=LEGEND_ABOVE, margin={"l": 96})


def _thread(steps: Sequence[Step], image: int, channel: int, labels: LineLabels) -> go.Scatter:
    """One value through all steps."""
    colour = COLOURS[channel]
    channels = steps[0].values.shape[1]
    lift = LIFT * ((channels - 1) / 2 - channel)
    return go.Scatter(
        x=[float(step.values[image, channel]) for step in steps],
        y=_heights(steps) + lift,
        mode="lines+markers",
        name=f"{labels.channel} {channel + 1}",
        legendgroup=str(channel),
        showlegend=image == 0,
        line={"color": colour, "width": 1},
        marker={"size": 12, "color": colour, "symbol": SYMBOLS[channel]},
        hovertemplate="%{x:.4g}<extra></extra>",
    )


def _heights(steps: Sequence[Step]) -> np.ndarray:
    return np.arange(len(steps))[::-1]


def before_and_after(
    before: Float[np.ndarray, "n c"],
    after: Float[np.ndarray, "n c"],
    labels: BiasLabels,
    dark: bool,
) -> go.Figure:
    """Draw what goes in (left) and what comes out (right), value by value.

    How to read: a bias moves the left bars and no right one.
    """
    headings = (labels.before, labels.after)
    figure = make_subplots(rows=1, cols=2, subplot_titles=headings, horizontal_spacing=0.1)
    names = _names(len(before), labels.added)
    for column, values in enumerate((before, after), start=1):
        for channel, heights in enumerate(values.T):
            bars = _bars(names[column - 1], heights, channel)
            figure.add_trace(bars, row=1, col=column)
    figure.update_annotations(font_size=13)
    return frame(
        figure,
        dark,
        270,
        margin={"t": 40},
        barmode="group",
        bargap=0.3,
    )


def _bars(names: list[str], values: np.ndarray, channel: int) -> go.Bar:
    return go.Bar(
        x=names,
        y=values,
        marker={"color": COLOURS[channel]},
        showlegend=False,
        hovertemplate="%{y:.4g}<extra></extra>",
    )


def _names(images: int, added: str) -> tuple[list[str], list[str]]:
    """What goes in and what comes out, with numbers from 1."""
    numbers = [_subscript(image) for image in range(1, images + 1)]
    return [f"x{number}{added}" for number in numbers], [f"y{number}" for number in numbers]


def _subscript(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
