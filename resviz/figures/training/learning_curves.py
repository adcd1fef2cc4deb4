"""Curves of training runs."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float

from resviz.figures.theme import template, text_in
from resviz.figures.training.scale import rounded_up, ticks

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
WINDOW = 25  # points of the running mean: a twelfth of the 300 that are drawn
HEIGHT, LEFT, TOP, BOTTOM = 430, 58, 14, 46  # pixels; the margins hold the words
NEAR = 1.5  # times the highest line: a test result further up does not stretch the scale
APART = 0.035  # of the scale: two marks at its edge
GAP, LETTER = 8, 7.4  # pixels between a line and its name, and of a letter


@dataclass(frozen=True, slots=True)
class Curve:
    """A run: a quantity of its training batches and of the test split, over the epochs.

    `rank`: the place of its variant (depth, normalisation and so on) among those shown, which
    chooses the dash.
    """

    name: str
    colour: str
    rank: int
    at: Float[np.ndarray, " steps"]
    training: Float[np.ndarray, " steps"]
    ends: Float[np.ndarray, " epochs"]
    test: Float[np.ndarray, " epochs"]

    @property
    def smooth(self) -> Float[np.ndarray, " steps"]:
        """Running mean over the training batches: the line that is drawn."""
        return running_mean(self.training, WINDOW)


@dataclass(frozen=True, slots=True)
class Frame:
    """What drawing and chart share, so that nothing moves when one replaces the other.

    0 to `until` epochs, 0 to `top`, `right` pixels for the names, the titles of the axes.
    """

    until: float
    top: float
    right: int
    x_title: str
    y_title: str

    @property
    def ticks(self) -> tuple[list[float], list[float]]:
        """Round numbers along both axes."""
        return ticks(self.until), ticks(self.top)


@dataclass(frozen=True, slots=True)
class Labels:
    """What the box under the pointer calls the two kinds of images."""

    training: str
    test: str


def frame(
    curves: Sequence[Curve], until: float, is_share: bool, x_title: str, y_title: str
) -> Frame:
    """Make the frame that holds the lines, and the test results near them.

    That of a share reaches 1 and half a line more.
    """
    longest = max((len(curve.name) for curve in curves), default=0)
    right = round(min(max(60.0, GAP + LETTER * longest + 8), 260.0))
    top = 1.01 if is_share else rounded_up(_highest(curves))
    return Frame(max(until, 1.0), top, right, x_title, y_title)


def _highest(curves: Sequence[Curve]) -> float:
    """The highest line, or test result near it."""
    lines = _finite([curve.smooth for curve in curves])
    tests = _finite([curve.test for curve in curves])
    # a result further up would press all lines flat: it is marked at the upper edge instead
    near = tests[tests <= NEAR * lines.max()] if len(lines) else tests
    values = np.concatenate([lines, near])
    return float(values.max()) if len(values) else 1.0


def beyond(values: Float[np.ndarray, " n"], top: float) -> Bool[np.ndarray, " n"]:
    """Which lie above the scale, or are no numbers."""
    # NaN compares as False, so that it is beyond as well
    return np.asarray(~(values <= top))


def on_scale(values: Float[np.ndarray, " n"], top: float, edge: float) -> Float[np.ndarray, " n"]:
    """The values; those `beyond` the scale lie at its `edge`."""
    return np.where(beyond(values, top), edge, values)


def edges(curves: Sequence[Curve], top: float) -> list[float]:
    """Where each run marks what is beyond the scale: one below the other, none hidden."""
    counts = np.cumsum([bool(beyond(curve.test, top).any()) for curve in curves])
    return [top * (1 - APART * max(int(count) - 1, 0)) for count in counts]


def rounded(value: float) -> str:
    """A result in digits that can be read at a glance, however large."""
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.3g}"


def learning_curves(curves: Sequence[Curve], frame: Frame, labels: Labels, dark: bool) -> go.Figure:
    """Draw loss or accuracy over the epochs, a line for each run.

    How to read it: a line is the running mean over the training batches; rings, joined by dots, are
    the test split after each epoch. A triangle on the upper edge is a ring that lies beyond the
    scale; the box under the pointer tells its value. Plain is orange, residual blue; other variants
    have other dashes. Each line carries its name at its end.
    """
    figure = go.Figure()
    for curve, edge in zip(curves, edges(curves, frame.top), strict=True):
        figure.add_scatter(**_line(curve, labels.training))
        figure.add_scatter(**_rings(curve, labels.test, frame.top, edge))
    x_ticks, y_ticks = frame.ticks
    figure.update_layout(
        template=template(dark),
        height=HEIGHT,
        showlegend=False,
        xaxis=_axis(frame.x_title, frame.until, x_ticks),
        yaxis=_axis(frame.y_title, frame.top, y_ticks),
        annotations=[_annotation(name, dark) for name in end_names(curves, frame.top)],
        margin={"l": LEFT, "r": frame.right, "t": TOP, "b": BOTTOM},
        hovermode="closest",
        uirevision="keep",  # a visitor's zoom outlives a redraw
    )
    return figure


def _line(curve: Curve, label: str) -> dict[str, object]:
    name = html.escape(curve.name)  # plotly would read tags in it
    dash = DASHES[curve.rank % len(DASHES)]
    return {
        "x": curve.at,
        "y": curve.smooth,
        "mode": "lines",
        "line": {"color": curve.colour, "width": 2.2, "dash": dash},
        "name": name,
        "hovertemplate": f"{name} {label} %{{x:.2f}}: %{{y:.3f}}<extra></extra>",
    }


def _rings(curve: Curve, label: str, top: float, edge: float) -> dict[str, object]:
    is_beyond = beyond(curve.test, top)
    name = html.escape(curve.name)
    marker = {
        "color": curve.colour,
        "size": np.where(is_beyond, 10, 7),
        "symbol": np.where(is_beyond, "triangle-up", "circle-open"),
        "line": {"width": 1.6, "color": curve.colour},
        "opacity": 1,
    }
    return {
        "x": curve.ends,
        "y": on_scale(curve.test, top, edge),
        "customdata": [rounded(value) for value in curve.test],
        "mode": "lines+markers",
        "line": {"color": curve.colour, "width": 1, "dash": "1px,3px"},
        "marker": marker,
        "cliponaxis": False,  # the last ring lies on the edge
        "hovertemplate": f"{name} {label} %{{x:.2f}}: %{{customdata}}<extra></extra>",
    }


def _axis(title: str, end: float, ticks: list[float]) -> dict[str, object]:
    return {
        "title": {"text": title, "font": {"size": 13}},
        "range": [0, end],
        "tickvals": ticks,
        "zeroline": False,
    }


def running_mean(values: Float[np.ndarray, " n"], window: int) -> Float[np.ndarray, " n"]:
    """Mean of each value and those before it, `window` in all, fewer at the beginning."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    after = np.arange(1, len(values) + 1)
    before = np.maximum(after - window, 0)
    means: Float[np.ndarray, " n"] = (sums[after] - sums[before]) / (after - before)
    return means


@dataclass(frozen=True, slots=True)
class EndName:
    """A run's name, and where its line ends."""

    text: str
    x: float
    y: float
    colour: str


def end_names(curves: Sequence[Curve], top: float) -> list[EndName]:
    """A name at the end of each line, between 0 and `top`, moved apart where two would overlap."""
    ends = [(float(curve.smooth[-1]), curve) for curve in curves if len(curve.training)]
    ends.sort(key=lambda pair: pair[0])
    apart = 0.045 * top
    names: list[EndName] = []
    for i, (y, curve) in enumerate(ends):
        lowest = names[-1].y + apart if names else y
        highest = top - apart * (len(ends) - 1 - i)  # room for those above
        place = min(max(y, lowest), highest)
        names.append(EndName(curve.name, float(curve.at[-1]), place, curve.colour))
    return names


def _finite(arrays: Sequence[Float[np.ndarray, " _"]]) -> Float[np.ndarray, " m"]:
    """Those of all values that are numbers."""
    values = np.concatenate([np.zeros(0), *arrays])
    return np.asarray(values[np.isfinite(values)])


def _annotation(name: EndName, dark: bool) -> dict[str, object]:
    return {
        "x": name.x,
        "y": name.y,
        "text": html.escape(name.text),
        "showarrow": False,
        "xanchor": "left",
        "yanchor": "middle",
        "xshift": GAP - 2,  # plotly adds a border
        "font": {"color": text_in(name.colour, dark), "size": 13},
    }
