"""Receptive fields as curves: over the depth of networks, and over the pixels of a small stack."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from resviz.figures.theme import GREEN, PLAIN, PURPLE, RESIDUAL, SKY, YELLOW, template

_COLOURS = {"residual": RESIDUAL, "plain": PLAIN}
TICKS = [step * 10**power for power in range(5) for step in (1, 2, 5)]
_OTHERS = (GREEN, PURPLE, SKY, YELLOW)


@dataclass(frozen=True, slots=True)
class Curve:
    """A network: `depth` and `size` of its theoretical fields, `points` (depth, size) of the effective ones."""

    name: str
    family: str
    depth: Sequence[int]
    size: Sequence[float]
    points: Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Titles:
    """The texts of the chart over depth."""

    depth: str
    size: str
    image: str
    theoretical: str
    effective: str


def over_depth(curves: Sequence[Curve], side: int, titles: Titles, dark: bool) -> go.Figure:
    """Size over depth on a logarithmic scale; a line is what units could see, marks what moves them, dotted the image.

    A line above the dotted one has outgrown the image. The first network is the broad line, seen
    under others too.
    """
    figure = go.Figure()
    for i, (curve, colour) in enumerate(
        zip(curves, colours([curve.family for curve in curves]), strict=True)
    ):
        figure.add_scatter(
            x=list(curve.depth), y=list(curve.size), name=f"{curve.name} · {titles.theoretical}",
            line={"color": colour, "width": 1.5 if i else 4, "shape": "hv"}, hovertemplate="%{y} px<extra></extra>",
        )  # fmt: skip
        if curve.points:
            figure.add_scatter(
                x=[x for x, _ in curve.points], y=[y for _, y in curve.points], mode="lines+markers",
                name=f"{curve.name} · {titles.effective}",
                line={"color": colour, "dash": "dash", "width": 1.5, "shape": "hv"},
                marker={"size": 7}, hovertemplate="%{y:.3g} px<extra></extra>",
            )  # fmt: skip
    figure.add_hline(y=side, line={"dash": "dot", "width": 1.5, "color": "#7A828C"})
    figure.add_annotation(
        text=titles.image,
        x=1,
        xref="paper",
        xanchor="right",
        y=np.log10(side),
        yanchor="bottom",
        showarrow=False,
    )  # on a logarithmic axis an annotation stands at a power of ten, a line at a value
    figure.update_layout(
        template=template(dark), height=380, xaxis_title=titles.depth, yaxis_title=titles.size, yaxis_type="log",
        yaxis_tickvals=TICKS, yaxis_ticktext=[f"{tick:,}" for tick in TICKS], xaxis_dtick=_every(curves),
        hovermode="x", legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )  # fmt: skip
    return figure


def _every(curves: Sequence[Curve]) -> int:
    """Whole numbers of layers between two ticks."""
    return max(1, round(max((max(curve.depth, default=1) for curve in curves), default=1) / 10))


def colours(families: Sequence[str]) -> list[str]:
    """Blue for the first residual network, orange for the first plain one, other colours for the rest."""
    free, found = iter(_OTHERS * (1 + len(families) // len(_OTHERS))), list[str]()
    for family in families:
        usual = _COLOURS.get(family)
        found.append(usual if usual and usual not in found else next(free))
    return found


def shares(values: Float[np.ndarray, " pixels"], pixel: str, share: str, dark: bool) -> go.Figure:
    """Bars over the pixels of a field: the share of the paths from the unit that ends at each; gaps are holes."""
    places = np.arange(len(values)) - (len(values) - 1) / 2
    bars = go.Bar(x=places, y=values, marker={"color": RESIDUAL, "line": {"width": 0}})
    bars.hovertemplate = "%{x}: %{y:.3g}<extra></extra>"
    figure = go.Figure(bars)
    figure.update_layout(
        template=template(dark), height=230, bargap=0.1, xaxis_title=pixel, yaxis_title=share
    )
    return figure
