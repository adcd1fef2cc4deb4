"""A network with blocks to switch off, what that costs, and the paths that are left."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from resviz.figures.html import Cell, percent
from resviz.figures.theme import RESIDUAL, template


@dataclass(frozen=True, slots=True)
class Bars:
    """What a network keeps without each block: shares of one, and `whole`, what it has with all of them."""

    title: str
    colour: str
    blocks: Sequence[str]
    shares: Float[np.ndarray, " blocks"]
    whole: float


@dataclass(frozen=True, slots=True)
class Answered:
    """A test image, its class, and what each network calls it."""

    image: str
    label: str
    answers: Mapping[str, str]


def switchboard(
    stages: Sequence[tuple[str, Sequence[Cell]]],
    off: Collection[str],
    fixed: Collection[str],
    colour: str = "",
) -> str:
    """The network stage by stage; a filled cell is a block that runs, a struck one is off, a pale one cannot be."""
    fill = f";background:{colour}" if colour else ""
    return f'<div class="net">{"".join(_stage(name, cells, off, fixed, fill) for name, cells in stages)}</div>'


def _stage(
    name: str, cells: Sequence[Cell], off: Collection[str], fixed: Collection[str], fill: str
) -> str:
    inner = "".join(_cell(cell, cell.value not in off, cell.value in fixed, fill) for cell in cells)
    return f'<div class="stage"><span class="name muted">{escape(name)}</span><div class="cells">{inner}</div></div>'


def _cell(cell: Cell, on: bool, fixed: bool, fill: str) -> str:
    hint = escape(cell.hint)
    if fixed:
        return f'<div class="cell muted" title="{hint}">{escape(cell.text)}</div>'
    look = (
        f' style="{fill[1:]}"'
        if on and fill
        else ""
        if on
        else ' style="text-decoration:line-through"'
    )
    return (
        f'<div class="cell{" on" if on else ""}" data-pick="{escape(cell.value)}" role="switch" aria-checked='
        f'"{str(on).lower()}" title="{hint}" aria-label="{hint}"{look}>{escape(cell.text)}</div>'
    )


def changes(rows: Sequence[tuple[str, float, float, str]], before: str, after: str) -> str:
    """(label, share before, after, colour) as two bars each: the pale one before, the full one after."""
    bars = "".join(_change(*row) for row in rows)
    legend = f'<p class="muted">{escape(before)} · <b>{escape(after)}</b></p>'
    return f'<div class="bars tight">{bars}</div>{legend}'


def _change(label: str, before: float, after: float, colour: str) -> str:
    return (
        f'<div class="row"><span class="label">{escape(label)}</span>'
        f'<span class="value number"><span class="muted">{percent(before)}</span> → <b>{percent(after)}</b></span>'
        f'<div class="track"><div class="fill" style="width:{before * 100:.2f}%"></div></div>'
        f'<div class="track"><div class="fill" style="width:{after * 100:.2f}%;background:{colour}"></div></div></div>'
    )


def answered(tiles: Sequence[Answered], colours: Sequence[str], alt: str) -> str:
    """Test images side by side, under each the networks' answers in their colours: filled is right, hollow wrong."""
    return f'<div class="answered">{"".join(_answered(tile, colours, alt) for tile in tiles)}</div>'


def _answered(tile: Answered, colours: Sequence[str], alt: str) -> str:
    words = "".join(
        f'<span class="{"right" if answer == tile.label else "wrong"}" title="{escape(name)}" style="--mark:{colour}">'
        f"{escape(answer)}</span>"
        for (name, answer), colour in zip(tile.answers.items(), colours, strict=True)
    )
    told = escape(alt.format(digit=tile.label))
    return f'<div><img class="pixel" src="{tile.image}" alt="{told}"><p class="number">{words}</p></div>'


def path_lengths(
    share: Float[np.ndarray, " lengths"],
    contribution: Float[np.ndarray, " lengths"],
    titles: tuple[str, str],
    axes: tuple[str, str],
    dark: bool,
) -> go.Figure:
    """By length: the share of all paths as bars, the share of the gradient that comes through them as a line."""
    lengths = np.arange(len(share))
    bars = go.Bar(
        x=lengths, y=share, name=titles[0], marker={"color": "#8A93A0", "line": {"width": 0}}
    )
    line = go.Scatter(
        x=lengths, y=contribution, name=titles[1], line={"color": RESIDUAL, "width": 2.5}
    )
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
    bars: Sequence[Bars], axes: tuple[str, str], dark: bool, chance: float | None = None
) -> go.Figure:
    """What each network keeps when a single block is out; a line of its colour is the whole, the dotted one chance."""
    figure = go.Figure([_bar(each) for each in bars])
    figure.update_layout(
        template=template(dark),
        height=300 if len(bars) > 1 else 260,
        bargap=0.2,
        showlegend=len(bars) > 1,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": axes[0], "type": "category"},
        yaxis={"title": axes[1], "tickformat": ".0%", "range": [0, 1.05]},
    )
    for each in bars:
        figure.add_hline(y=each.whole, line={"dash": "dash", "width": 1.5, "color": each.colour})
    if chance is not None:
        figure.add_hline(y=chance, line={"dash": "dot", "width": 1.5, "color": "#7A828C"})
    return figure


def _bar(bars: Bars) -> go.Bar:
    return go.Bar(
        name=bars.title,
        x=list(bars.blocks),
        y=bars.shares,
        marker={"color": bars.colour, "line": {"width": 0}},
        hovertemplate="%{x}: %{y:.1%}<extra></extra>",
    )
