"""A network with blocks to switch off, what that costs, and the paths that are left."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from resviz.figures.html import Cell, percent
from resviz.figures.theme import RESIDUAL, ink_on, template

GREY, LIGHT_GREY = "#7A828C", "#8A93A0"
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


@dataclass(frozen=True, slots=True)
class BarLabels:
    """Titles of the axes of single blocks: the block that is out, and what is left."""

    block: str
    share: str


@dataclass(frozen=True, slots=True)
class PathLabels:
    """Names of bars and line, and titles of the axes, of paths by length."""

    paths: str
    gradient: str
    length: str
    share: str


@dataclass(frozen=True, slots=True)
class Bars:
    """What a network keeps without each block: shares of one; `whole` is with all of them."""

    title: str
    colour: str
    blocks: Sequence[str]
    shares: Float[np.ndarray, " blocks"]
    whole: float


@dataclass(frozen=True, slots=True)
class Change:
    """A share of one before and after blocks were taken out."""

    label: str
    before: float
    after: float
    colour: str


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
    """The network stage by stage.

    How to read: a filled cell is a block that runs, a struck one is off, a pale one cannot be.
    """
    drawn = "".join(_stage(name, cells, off, fixed, colour) for name, cells in stages)
    return f'<div class="net">{drawn}</div>'


def _stage(
    name: str, cells: Sequence[Cell], off: Collection[str], fixed: Collection[str], colour: str
) -> str:
    inner = "".join(
        _fixed_cell(cell) if cell.value in fixed else _switch(cell, cell.value not in off, colour)
        for cell in cells
    )
    heading = f'<span class="name muted">{escape(name)}</span>'
    return f'<div class="stage">{heading}<div class="cells">{inner}</div></div>'


def _fixed_cell(cell: Cell) -> str:
    return f'<div class="cell muted" title="{escape(cell.hint)}">{escape(cell.text)}</div>'


def _switch(cell: Cell, on: bool, colour: str) -> str:
    look = "" if on else "text-decoration:line-through"
    if on and colour:
        look = f"background:{colour};color:{ink_on(colour)}"
    hint = escape(cell.hint)
    return (
        f'<div class="cell{" on" if on else ""}" data-pick="{escape(cell.value)}"'
        f' role="switch" aria-checked="{str(on).lower()}"'
        f' title="{hint}" aria-label="{hint}" style="{look}">{escape(cell.text)}</div>'
    )


def changes(rows: Sequence[Change], before: str, after: str) -> str:
    """Two bars a row.

    How to read: the pale bar is before, the full one after.
    """
    bars = "".join(_change(row) for row in rows)
    legend = f'<p class="muted">{escape(before)} · <b>{escape(after)}</b></p>'
    return f'<div class="bars tight">{bars}</div>{legend}'


def _change(row: Change) -> str:
    numbers = f'<span class="muted">{percent(row.before)}</span> → <b>{percent(row.after)}</b>'
    return (
        f'<div class="row"><span class="label">{escape(row.label)}</span>'
        f'<span class="value number">{numbers}</span>'
        f"{_track(row.before)}{_track(row.after, f';background:{row.colour}')}</div>"
    )


def _track(share: float, colour: str = "") -> str:
    fill = f'<div class="fill" style="width:{share * 100:.2f}%{colour}"></div>'
    return f'<div class="track">{fill}</div>'


def answered(tiles: Sequence[Answered], colours: Sequence[str], alt: str) -> str:
    """Test images side by side, under each the networks' answers in their colours.

    How to read: a filled answer is right, a hollow one wrong.
    """
    drawn = "".join(_answered(tile, colours, alt) for tile in tiles)
    return f'<div class="answered">{drawn}</div>'


def _answered(tile: Answered, colours: Sequence[str], alt: str) -> str:
    answers = "".join(
        f'<span class="{"right" if answer == tile.label else "wrong"}"'
        f' title="{escape(name)}" style="--mark:{colour};--ink:{ink_on(colour)}">'
        f"{escape(answer)}</span>"
        for (name, answer), colour in zip(tile.answers.items(), colours, strict=True)
    )
    text = escape(alt.format(digit=tile.label))
    picture = f'<img class="pixel" src="{tile.image}" alt="{text}">'
    return f'<div>{picture}<p class="number">{answers}</p></div>'


def path_lengths(
    share: Float[np.ndarray, " lengths"],
    contribution: Float[np.ndarray, " lengths"],
    labels: PathLabels,
    dark: bool,
) -> go.Figure:
    """Draw paths by length.

    How to read: bars are the share of all paths, the line is the share of the gradient that comes
    through them. A line left of the bars means that short paths carry it.
    """
    lengths = np.arange(len(share))
    look = {"color": LIGHT_GREY, "line": {"width": 0}}
    bars = go.Bar(x=lengths, y=share, name=labels.paths, marker=look)
    line = go.Scatter(x=lengths, y=contribution, name=labels.gradient)
    line.line = {"color": RESIDUAL, "width": 2.5}
    bars.hovertemplate = line.hovertemplate = "%{y:.1%}"
    figure = go.Figure([bars, line])
    figure.update_layout(
        template=template(dark),
        height=320,
        hovermode="x unified",
        bargap=0.12,
        legend=LEGEND,
        margin={"t": 36},
    )
    figure.update_xaxes(title=labels.length)
    figure.update_yaxes(title=labels.share, tickformat=".0%")
    return figure


def one_by_one(
    bars: Sequence[Bars], labels: BarLabels, dark: bool, chance: float | None = None
) -> go.Figure:
    """Draw what each network keeps when a single block is out.

    How to read: the dashed line of a network's colour is the whole network, the dotted one chance.
    """
    figure = go.Figure([_bar(each) for each in bars])
    figure.update_layout(
        template=template(dark),
        height=300 if len(bars) > 1 else 260,
        bargap=0.2,
        showlegend=len(bars) > 1,
        legend=LEGEND,
    )
    figure.update_xaxes(title=labels.block, type="category")
    figure.update_yaxes(title=labels.share, tickformat=".0%", range=[0, 1.05])
    for each in bars:
        figure.add_hline(y=each.whole, line={"dash": "dash", "width": 1.5, "color": each.colour})
    if chance is not None:
        figure.add_hline(y=chance, line={"dash": "dot", "width": 1.5, "color": GREY})
    return figure


def _bar(bars: Bars) -> go.Bar:
    return go.Bar(
        name=bars.title,
        x=list(bars.blocks),
        y=bars.shares,
        marker={"color": bars.colour, "line": {"width": 0}},
        hovertemplate="%{x}: %{y:.1%}<extra></extra>",
    )
