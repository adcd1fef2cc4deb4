"""Curves of training runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from resviz.figures.theme import GREEN, PLAIN, RESIDUAL, template

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
COLOURS = {"plain": PLAIN, "residual": RESIDUAL}
WINDOW = 25  # points of the running mean: a twelfth of the 300 that are drawn


@dataclass(frozen=True, slots=True)
class Curve:
    """A run: a quantity of its training batches and of the test split, over the epochs.

    `rank`: the place of its depth among those shown, which chooses the line's style.
    """

    name: str
    family: str
    rank: int
    at: Float[np.ndarray, " steps"]
    training: Float[np.ndarray, " steps"]
    ends: Float[np.ndarray, " epochs"]
    test: Float[np.ndarray, " epochs"]


def learning_curves(curves: Sequence[Curve], words: tuple[str, str, str, str], dark: bool) -> go.Figure:
    """Lines: running mean over the training batches; rings: the test split after each epoch.

    Plain is orange, residual blue; deeper networks have more broken lines. Each line carries its name at its end.
    `words`: the titles of the axes, and training and test for the box under the pointer.
    """
    figure = go.Figure()
    for curve in curves:
        colour = COLOURS.get(curve.family, GREEN)
        smooth = running_mean(curve.training, WINDOW)
        line = {"color": colour, "width": 2.2, "dash": DASHES[curve.rank % len(DASHES)]}
        hover = "%{x:.2f}: %{y:.3f}"
        figure.add_scatter(
            x=curve.at,
            y=smooth,
            mode="lines",
            line=line,
            name=curve.name,
            hovertemplate=f"{curve.name} {words[2]} {hover}<extra></extra>",
        )
        ring = {"color": colour, "size": 7, "symbol": "circle-open", "line": {"width": 1.6, "color": colour}}
        figure.add_scatter(
            x=curve.ends,
            y=curve.test,
            mode="markers",
            marker=ring,
            hovertemplate=f"{curve.name} {words[3]} {hover}<extra></extra>",
        )
    figure.update_layout(
        template=template(dark),
        height=430,
        showlegend=False,
        xaxis_title=words[0],
        yaxis_title=words[1],
        annotations=[_annotation(name) for name in end_names(curves)],
        margin={"r": 110},
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


def end_names(curves: Sequence[Curve]) -> list[EndName]:
    """A name at the end of each line, from below, moved apart where two would overlap."""
    ends = [(curve, running_mean(curve.training, WINDOW)[-1]) for curve in curves if len(curve.training)]
    if not ends:
        return []
    span = max(max(c.training.max() for c, _ in ends) - min(c.training.min() for c, _ in ends), 1e-9)
    found: list[EndName] = []
    for curve, y in sorted(ends, key=lambda pair: pair[1]):
        place = max(float(y), found[-1].y + 0.055 * span) if found else float(y)
        found.append(EndName(curve.name, float(curve.at[-1]), place, COLOURS.get(curve.family, GREEN)))
    return found


def _annotation(name: EndName) -> dict[str, object]:
    font = {"color": name.colour, "size": 13}
    return {
        "x": name.x,
        "y": name.y,
        "text": name.text,
        "showarrow": False,
        "xanchor": "left",
        "xshift": 8,
        "font": font,
    }
