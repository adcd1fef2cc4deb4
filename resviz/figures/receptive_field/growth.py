"""Receptive fields as curves: over the depth of networks, and over the pixels of a small stack."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from resviz.figures.theme import GREEN, PLAIN, PURPLE, RESIDUAL, SKY, YELLOW, template

TICKS = [step * 10**power for power in range(5) for step in (1, 2, 5)]
_COLOURS = {"residual": RESIDUAL, "plain": PLAIN}
_OTHERS = (GREEN, PURPLE, SKY, YELLOW)
_GREY = "#7A828C"
_LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


@dataclass(frozen=True, slots=True)
class Curve:
    """A network: `depth` and `size` of its theoretical fields, `points` of the effective ones.

    Depths count convolutions, sizes are pixels; a point is a depth and a size.
    """

    name: str
    family: str
    depth: Sequence[int]
    size: Sequence[float]
    points: Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class GrowthLabels:
    """The texts of the chart over depth.

    Its axes, the line of the image, the two kinds of curve.
    """

    depth: str
    size: str
    image: str
    theoretical: str
    effective: str


@dataclass(frozen=True, slots=True)
class ShareLabels:
    """The titles of the axes of the chart over pixels."""

    pixel: str
    share: str


def over_depth(curves: Sequence[Curve], side: int, labels: GrowthLabels, dark: bool) -> go.Figure:
    """The size of the fields over depth, on a logarithmic scale.

    How to read: a line is what units can see, dashed with marks what really moves them, dotted the
    side of the image. A line above the dotted one has outgrown the image. The first network is the
    broad line, visible under others too.
    """
    figure = go.Figure()
    palette = colours([curve.family for curve in curves])
    for i, (curve, colour) in enumerate(zip(curves, palette, strict=True)):
        figure.add_trace(_theoretical(curve, colour, labels, broad=i == 0))
        if curve.points:
            figure.add_trace(_effective(curve, colour, labels))
    figure.add_hline(y=side, line={"dash": "dot", "width": 1.5, "color": _GREY})
    # on a logarithmic axis an annotation stands at a power of ten, a line at a value
    figure.add_annotation(text=labels.image, y=np.log10(side), yanchor="bottom", showarrow=False)
    figure.update_annotations(x=1, xref="paper", xanchor="right")
    figure.update_layout(template=template(dark), height=380, hovermode="x", legend=_LEGEND)
    figure.update_xaxes(title=labels.depth, dtick=_layers_between_ticks(curves))
    ticks = [f"{tick:,}" for tick in TICKS]
    figure.update_yaxes(title=labels.size, type="log", tickvals=TICKS, ticktext=ticks)
    return figure


def _theoretical(curve: Curve, colour: str, labels: GrowthLabels, broad: bool) -> go.Scatter:
    """What units can see."""
    return go.Scatter(
        x=list(curve.depth),
        y=list(curve.size),
        name=f"{curve.name} · {labels.theoretical}",
        line={"color": colour, "width": 4 if broad else 1.5, "shape": "hv"},
        hovertemplate="%{y} px<extra></extra>",
    )


def _effective(curve: Curve, colour: str, labels: GrowthLabels) -> go.Scatter:
    """What moves them."""
    return go.Scatter(
        x=[depth for depth, _ in curve.points],
        y=[size for _, size in curve.points],
        mode="lines+markers",
        name=f"{curve.name} · {labels.effective}",
        line={"color": colour, "dash": "dash", "width": 1.5, "shape": "hv"},
        marker={"size": 7},
        hovertemplate="%{y:.3g} px<extra></extra>",
    )


def _layers_between_ticks(curves: Sequence[Curve]) -> int:
    """A whole number, for about ten ticks."""
    deepest = max((depth for curve in curves for depth in curve.depth), default=1)
    return max(1, round(deepest / 10))


def colours(families: Sequence[str]) -> list[str]:
    """Blue for the first residual network, orange for the first plain one, others for the rest."""
    free = iter(_OTHERS * (1 + len(families) // len(_OTHERS)))
    palette: list[str] = []
    for family in families:
        usual = _COLOURS.get(family)
        palette.append(usual if usual and usual not in palette else next(free))
    return palette


def shares(values: Float[np.ndarray, " pixels"], labels: ShareLabels, dark: bool) -> go.Figure:
    """Bars over the pixels of a field: the share of the paths from the unit that ends at each.

    How to read: with equal weights the height is how much a pixel moves the unit. Gaps are pixels
    that dilation or stride skip.
    """
    places = np.arange(len(values)) - (len(values) - 1) / 2
    bars = go.Bar(x=places, y=values, marker={"color": RESIDUAL, "line": {"width": 0}})
    bars.hovertemplate = "%{x}: %{y:.3g}<extra></extra>"
    figure = go.Figure(bars)
    figure.update_layout(template=template(dark), height=230, bargap=0.1)
    figure.update_xaxes(title=labels.pixel)
    figure.update_yaxes(title=labels.share)
    return figure
