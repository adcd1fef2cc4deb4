"""Curves of training runs."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float

from resviz.figures.theme import template

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
    """What the growing drawing and the final chart have in common, so that nothing moves when one replaces the other.

    0 to `until` epochs, 0 to `top`, `right` pixels for the names, the titles of the axes.
    """

    until: float
    top: float
    right: int
    across: str
    up: str

    @property
    def ticks(self) -> tuple[list[float], list[float]]:
        """Round numbers along both axes."""
        return _ticks(self.until), _ticks(self.top)


def frame(curves: Sequence[Curve], until: float, share: bool, across: str, up: str) -> Frame:
    """The frame that holds the lines, and the test results near them; that of a share reaches 1 and half a line more.

    One that lies further up (`NEAR`) would press all lines flat: it is marked at the upper edge
    instead.
    """
    lines, tests = (
        _numbers(found) for found in ([c.smooth for c in curves], [c.test for c in curves])
    )
    near = tests[tests <= NEAR * lines.max()] if len(lines) else tests
    highest = max((float(values.max()) for values in (lines, near) if len(values)), default=1.0)
    longest = max((len(curve.name) for curve in curves), default=0)
    right = round(min(max(60.0, GAP + LETTER * longest + 8), 260.0))
    return Frame(max(until, 1.0), 1.01 if share else _rounded_up(highest), right, across, up)


def beyond(values: Float[np.ndarray, " n"], top: float) -> Bool[np.ndarray, " n"]:
    """Which lie above the scale, or are no numbers."""
    found: Bool[np.ndarray, " n"] = ~(values <= top)
    return found


def on_scale(values: Float[np.ndarray, " n"], top: float, edge: float) -> Float[np.ndarray, " n"]:
    """The values; those `beyond` the scale lie at its `edge`."""
    return np.where(beyond(values, top), edge, values)


def edges(curves: Sequence[Curve], top: float) -> list[float]:
    """Where each run marks what lies beyond the scale: one below the other, so that none hides another."""
    counts = np.cumsum([bool(beyond(curve.test, top).any()) for curve in curves])
    return [top * (1 - APART * max(int(count) - 1, 0)) for count in counts]


def told(value: float) -> str:
    """A result in digits that can be read at a glance, however large."""
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.3g}"


def learning_curves(
    curves: Sequence[Curve], frame: Frame, words: tuple[str, str], dark: bool
) -> go.Figure:
    """Lines: running mean over the training batches; rings, joined by dots: the test split after each epoch.

    A triangle on the upper edge is a ring that lies beyond the scale; the box under the pointer
    tells its value. Plain is orange, residual blue; other variants have other dashes. Each line
    carries its name at its end. `words`: training and test, for the box under the pointer.
    """
    figure = go.Figure()
    for curve, edge in zip(curves, edges(curves, frame.top), strict=True):
        line = {"color": curve.colour, "width": 2.2, "dash": DASHES[curve.rank % len(DASHES)]}
        hover, name = "%{x:.2f}: %{y:.3f}", html.escape(curve.name)  # plotly would read tags in it
        figure.add_scatter(
            x=curve.at,
            y=curve.smooth,
            mode="lines",
            line=line,
            name=name,
            hovertemplate=f"{name} {words[0]} {hover}<extra></extra>",
        )
        out, outline = beyond(curve.test, frame.top), {"width": 1.6, "color": curve.colour}
        figure.add_scatter(
            x=curve.ends,
            y=on_scale(curve.test, frame.top, edge),
            customdata=[told(value) for value in curve.test],
            mode="lines+markers",
            line={"color": curve.colour, "width": 1, "dash": "1px,3px"},
            marker={
                "color": curve.colour,
                "size": np.where(out, 10, 7),
                "symbol": np.where(out, "triangle-up", "circle-open"),
                "line": outline,
                "opacity": 1,
            },
            cliponaxis=False,  # the last ring lies on the edge
            hovertemplate=f"{name} {words[1]} %{{x:.2f}}: %{{customdata}}<extra></extra>",
        )
    (across, up), font = frame.ticks, {"size": 13}
    figure.update_layout(
        template=template(dark),
        height=HEIGHT,
        showlegend=False,
        xaxis={
            "title": {"text": frame.across, "font": font},
            "range": [0, frame.until],
            "tickvals": across,
            "zeroline": False,
        },
        yaxis={
            "title": {"text": frame.up, "font": font},
            "range": [0, frame.top],
            "tickvals": up,
            "zeroline": False,
        },
        annotations=[_annotation(name) for name in end_names(curves, frame.top)],
        margin={"l": LEFT, "r": frame.right, "t": TOP, "b": BOTTOM},
        hovermode="closest",
        uirevision="keep",  # a visitor's zoom outlives a redraw
    )
    return figure


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
    """A name at the end of each line, from below, moved apart where two would overlap; none leaves 0 to `top`."""
    ends = [(curve, float(curve.smooth[-1])) for curve in curves if len(curve.training)]
    apart = 0.045 * top
    found: list[EndName] = []
    for i, (curve, y) in enumerate(sorted(ends, key=lambda pair: pair[1])):
        place = max(y, found[-1].y + apart) if found else y
        highest = top - apart * (len(ends) - 1 - i)  # room for those above
        found.append(EndName(curve.name, float(curve.at[-1]), min(place, highest), curve.colour))
    return found


def _numbers(found: Sequence[Float[np.ndarray, " _"]]) -> Float[np.ndarray, " m"]:
    """Those of all values that are numbers."""
    values = np.concatenate([np.zeros(0), *found])
    finite: Float[np.ndarray, " m"] = values[np.isfinite(values)]
    return finite


def _ticks(end: float) -> list[float]:
    """0 and the multiples of a round number, four to ten of them."""
    step = _round_step(end / 5)
    return [round(i * step, 10) for i in range(math.floor(end / step + 1e-9) + 1)]


def _rounded_up(value: float) -> float:
    """The next multiple of half a round step: the top of a scale."""
    step = _round_step(max(value, 1e-6) / 5) / 2
    return math.ceil(value / step - 1e-9) * step if value > 0 else 1.0


def _round_step(about: float) -> float:
    """1, 2 or 5 times a power of ten: the largest that is not above, or the least there is."""
    power = 10.0 ** math.floor(math.log10(about))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= about * (1 + 1e-9))


def _annotation(name: EndName) -> dict[str, object]:
    return {
        "x": name.x,
        "y": name.y,
        "text": html.escape(name.text),
        "showarrow": False,
        "xanchor": "left",
        "yanchor": "middle",
        "xshift": GAP - 2,  # plotly adds a border
        "font": {"color": name.colour, "size": 13},
    }
