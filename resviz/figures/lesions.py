"""A network with blocks to switch off, what that costs, and the paths that are left."""

from collections.abc import Collection, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from resviz.figures.boards import Cell, percent
from resviz.figures.theme import PLAIN, RESIDUAL, template


def switchboard(stages: Sequence[tuple[str, Sequence[Cell]]], off: Collection[str], fixed: Collection[str]) -> str:
    """The network stage by stage; a filled cell is a block that runs, a struck one is off, a pale one cannot be."""
    return f'<div class="net">{"".join(_stage(name, cells, off, fixed) for name, cells in stages)}</div>'


def _stage(name: str, cells: Sequence[Cell], off: Collection[str], fixed: Collection[str]) -> str:
    inner = "".join(_cell(cell, cell.value not in off, cell.value in fixed) for cell in cells)
    return f'<div class="stage"><span class="name muted">{escape(name)}</span><div class="cells">{inner}</div></div>'


def _cell(cell: Cell, on: bool, fixed: bool) -> str:
    hint = escape(cell.hint)
    if fixed:
        return f'<div class="cell muted" title="{hint}">{escape(cell.text)}</div>'
    look = "" if on else ' style="text-decoration:line-through"'
    return (
        f'<div class="cell{" on" if on else ""}" data-pick="{escape(cell.value)}" role="switch" aria-checked='
        f'"{str(on).lower()}" title="{hint}" aria-label="{hint}"{look}>{escape(cell.text)}</div>'
    )


def changes(rows: Sequence[tuple[str, float, float]], before: str, after: str) -> str:
    """(label, probability before, after) as two bars each: the pale one before, the full one after."""
    bars = "".join(_change(*row) for row in rows)
    legend = f'<p class="muted">{escape(before)} · <b>{escape(after)}</b></p>'
    return f'<div class="bars tight">{bars}</div>{legend}'


def _change(label: str, before: float, after: float) -> str:
    colour = f"background:{RESIDUAL}"
    return (
        f'<div class="row"><span class="label">{escape(label)}</span>'
        f'<span class="value number"><span class="muted">{percent(before)}</span> → <b>{percent(after)}</b></span>'
        f'<div class="track"><div class="fill" style="width:{before * 100:.2f}%"></div></div>'
        f'<div class="track"><div class="fill" style="width:{after * 100:.2f}%;{colour}"></div></div></div>'
    )


def path_lengths(
    share: Float[np.ndarray, " lengths"],
    contribution: Float[np.ndarray, " lengths"],
    titles: tuple[str, str],
    axes: tuple[str, str],
    dark: bool,
) -> go.Figure:
    """By length: the share of all paths as bars, the share of the gradient that comes through them as a line."""
    lengths = np.arange(len(share))
    bars = go.Bar(x=lengths, y=share, name=titles[0], marker={"color": "#8A93A0", "line": {"width": 0}})
    line = go.Scatter(x=lengths, y=contribution, name=titles[1], line={"color": RESIDUAL, "width": 2.5})
    bars.hovertemplate = line.hovertemplate = "%{y:.1%}"
    figure = go.Figure([bars, line])
    figure.update_layout(
        template=template(dark),
        height=320,
        hovermode="x unified",
        bargap=0.12,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"t": 36},
        xaxis={"title": axes[0]},
        yaxis={"title": axes[1], "tickformat": ".0%"},
    )
    return figure


def one_by_one(
    blocks: Sequence[str],
    probability: Float[np.ndarray, " blocks"],
    whole: float,
    plain: bool,
    axes: tuple[str, str],
    dark: bool,
) -> go.Figure:
    """The probability of the whole network's answer when a single block is off; the dotted line is the whole's."""
    bars = go.Bar(
        x=list(blocks),
        y=probability,
        marker={"color": PLAIN if plain else RESIDUAL, "line": {"width": 0}},
        hovertemplate="%{x}: %{y:.1%}<extra></extra>",
    )
    figure = go.Figure(bars)
    figure.update_layout(
        template=template(dark),
        height=260,
        bargap=0.2,
        xaxis={"title": axes[0], "type": "category"},
        yaxis={"title": axes[1], "tickformat": ".0%", "range": [0, 1.05]},
    )
    figure.add_hline(y=whole, line={"dash": "dot", "width": 1.5, "color": "#7A828C"})
    return figure
