"""The learned scale and shift of many layers over depth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from resviz.figures.batchnorm.frames import DOTTED, frame, layer_axis
from resviz.figures.theme import GREEN, PURPLE

QUANTILES = 257  # of a layer's channels, where it has more of them: its violin looks the same


@dataclass(frozen=True, slots=True)
class Labels:
    """Titles of the upper and the lower vertical axis."""

    gamma: str
    beta: str


def affine_violins(
    layers: Sequence[str],
    gammas: Sequence[Float[np.ndarray, "..."] | None],
    betas: Sequence[Float[np.ndarray, "..."]],
    labels: Labels,
    dark: bool,
) -> go.Figure:
    """Draw how gamma (above) and beta (below) are spread over the channels of each layer.

    How to read: layers stand in forward order; a wide place is a value that many channels have. A
    gamma near the dotted zero switches its channel off. Where no layer has a gamma, beta is alone.
    """
    scaled = any(gamma is not None for gamma in gammas)
    titles = (labels.gamma, labels.beta) if scaled else (labels.beta,)
    rows = len(titles)
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for name, gamma, beta in zip(layers, gammas, betas, strict=True):
        if gamma is not None:
            figure.add_trace(_violin(name, gamma, GREEN), row=1, col=1)
        figure.add_trace(_violin(name, beta, PURPLE), row=rows, col=1)
    _title_rows(figure, titles)
    layer_axis(figure)
    height = 420 if scaled else 260
    return frame(figure, dark, height, showlegend=False, violingap=0.15)


def _title_rows(figure: go.Figure, titles: tuple[str, ...]) -> None:
    for row, title in enumerate(titles, start=1):
        figure.update_yaxes(title_text=title, row=row, col=1)
        figure.add_hline(y=0, line=DOTTED, row=row, col=1)


def _violin(name: str, values: Float[np.ndarray, "..."], colour: str) -> go.Violin:
    if values.size >= QUANTILES:
        values = np.quantile(values, np.linspace(0, 1, QUANTILES))
    return go.Violin(
        x0=name,
        y=values.round(4),
        name=name,
        points=False,
        spanmode="hard",
        width=0.9,
        line={"color": colour, "width": 1},
        hoveron="violins",
        hoverinfo="y+name",
    )
