"""Results as HTML for `ui.board`: texts are escaped, pictures travel inside, `data-pick` marks what can be clicked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from resviz.figures.theme import GREEN, PURPLE


@dataclass(frozen=True, slots=True)
class Tile:
    """A small clickable picture: what it reports, its image, a heading and a second line."""

    value: str
    image: str
    heading: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A clickable place in a drawing of a network."""

    value: str
    text: str
    hint: str


def thumbnails(tiles: Iterable[Tile], chosen: str | None) -> str:
    """Square pictures in rows of four; reading: the framed one is shown on the page."""
    return f'<div class="thumbs">{"".join(_thumbnail(tile, tile.value == chosen) for tile in tiles)}</div>'


def _thumbnail(tile: Tile, on: bool) -> str:
    name = escape(tile.heading)
    return (
        f'<div data-pick="{escape(tile.value)}" class="{"on" if on else ""}" title="{name}" aria-label="{name}"'
        f' aria-pressed="{str(on).lower()}"><img src="{tile.image}" alt="{name}"></div>'
    )


def framed_photo(
    photo: str, alt: str, box: tuple[float, float, float, float], size: tuple[int, int]
) -> str:
    """A photo with everything outside `box` (left, top, right, bottom in pixels of `size`) dimmed."""
    width, height = size
    left, top, right, bottom = box
    outside = f"M0 0H{width}V{height}H0Z M{left:.1f} {top:.1f}V{bottom:.1f}H{right:.1f}V{top:.1f}Z"
    return (
        f'<div class="stack"><img src="{photo}" alt="{escape(alt)}"><svg viewBox="0 0 {width} {height}"'
        f' preserveAspectRatio="none" aria-hidden="true"><path d="{outside}" fill="black" fill-opacity="0.55"'
        ' fill-rule="evenodd"/></svg></div>'
    )


def overlay(photo: str, heat: str, alt: str, slider: str, opacity: float = 0.8) -> str:
    """Heat over a photo with a slider that works in the browser alone; `slider` is its label."""
    pictures = f'<img src="{photo}" alt="{escape(alt)}"><img class="heat" src="{heat}" alt="">'
    return (
        f'<div class="stack">{pictures}</div>'
        f'<label class="slider"><span>{escape(slider)}</span><input type="range" min="0" max="1" step="0.01"'
        f' value="{opacity}" data-opacity=".heat"></label>'
    )


def pixels(image: str, alt: str) -> str:
    """A map or small picture with hard pixel edges at full width."""
    return f'<div class="stack"><img class="pixel" src="{image}" alt="{escape(alt)}"></div>'


def pair(left: str, right: str) -> str:
    """Two boards side by side where there is room, one under the other where there is not."""
    return f'<div class="pair"><div>{left}</div><div>{right}</div></div>'


def colour_bar(image: str, low: str, high: str) -> str:
    """The colour scale under a map with its two ends."""
    return (
        f'<div class="legend number"><span>{escape(low)}</span><img src="{image}" alt="">'
        f"<span>{escape(high)}</span></div>"
    )


def probability_bars(rows: Sequence[tuple[str, str, float]], chosen: str | None = None) -> str:
    """Bars of (value, label, probability); length is the probability, the first one is the answer."""
    return f'<div class="bars">{"".join(_bar(*row, i == 0, row[0] == chosen) for i, row in enumerate(rows))}</div>'


def _bar(value: str, label: str, probability: float, first: bool, on: bool) -> str:
    kind = " ".join(name for name, is_so in (("first", first), ("on", on)) if is_so)
    name = f"{escape(label)} {percent(probability)}"
    inside = _bar_inside(label, probability)
    return f'<div class="row {kind}" data-pick="{escape(value)}" aria-label="{name}">{inside}</div>'


def _bar_inside(label: str, share: float) -> str:
    return (
        f'<span class="label">{escape(label)}</span><span class="value number">{percent(share)}</span>'
        f'<div class="track"><div class="fill" style="width:{share * 100:.2f}%"></div></div>'
    )


def named_photo(image: str, name: str) -> str:
    """A small picture with its name beside it, on one line."""
    return (
        f'<div class="named"><img src="{image}" alt="">'
        f'<span title="{escape(name)}">{escape(name)}</span></div>'
    )


def share_list(rows: Sequence[tuple[str, float]]) -> str:
    """Shares of (label, share) as thin bars; nothing to click."""
    bars = (f'<div class="row">{_bar_inside(label, share)}</div>' for label, share in rows)
    return f'<div class="bars tight">{"".join(bars)}</div>'


def percent(share: float) -> str:
    """A share in percent with no false precision at the ends."""
    if 0 < share < 0.001:
        return "< 0.1%"
    if 0.9995 <= share < 1:
        return "> 99.9%"
    return f"{share * 100:.1f}%"


def strip(tiles: Iterable[Tile]) -> str:
    """Maps in forward order, left to right in as many lines as they need; clicking one leads on to it."""
    parts = [_strip_tile(tile) for tile in tiles]
    return f'<div class="strip" style="--tiles:{len(parts)}">{"".join(parts)}</div>'


def _strip_tile(tile: Tile) -> str:
    hint = escape(f"{tile.heading} {tile.detail}".replace("\n", ", "))
    return (
        f'<div data-pick="{escape(tile.value)}" aria-label="{hint}" title="{hint}"><img class="pixel"'
        f' src="{tile.image}" alt=""><p><b>{escape(tile.heading)}</b><br><span class="muted number">'
        f"{_lines(tile.detail)}</span></p></div>"
    )


def _lines(text: str) -> str:
    return "<br>".join(map(escape, text.split("\n")))


def network(stages: Sequence[tuple[str, Sequence[Cell]]], chosen: str | None) -> str:
    """The network from input to output, a row of cells for each stage; the filled cell is the one on the page."""
    return (
        f'<div class="net">{"".join(_stage(name, cells, chosen) for name, cells in stages)}</div>'
    )


def _stage(name: str, cells: Sequence[Cell], chosen: str | None) -> str:
    inner = "".join(_cell(cell, cell.value == chosen) for cell in cells)
    return f'<div class="stage"><span class="name muted">{escape(name)}</span><div class="cells">{inner}</div></div>'


def _cell(cell: Cell, on: bool) -> str:
    return (
        f'<div class="cell{" on" if on else ""}" data-pick="{escape(cell.value)}" title="{escape(cell.hint)}"'
        f' aria-label="{escape(cell.hint)}">{escape(cell.text)}</div>'
    )


def channel_grid(
    image: str, alt: str, columns: int, titles: Sequence[tuple[str, str]], chosen: str
) -> str:
    """A mosaic with one clickable field for each (value, title)."""
    rows = -(-len(titles) // columns)
    fields = "".join(
        f'<div data-pick="{escape(value)}" title="{escape(title)}" aria-label="{escape(title)}"'
        f' class="{"on" if value == chosen else ""}"></div>'
        for value, title in titles
    )
    layout = f"grid-template-columns:repeat({columns},1fr);grid-template-rows:repeat({rows},1fr)"
    picture = f'<img class="pixel" src="{image}" alt="{escape(alt)}">'
    return f'<div class="grid">{picture}<div style="{layout}">{fields}</div></div>'


def residual_sum(maps: Sequence[Tile], scale: str, shares: Sequence[tuple[str, float]]) -> str:
    """x + F(x) = y as three maps with their signs, the `colour_bar` of all, and the shares of the norms as one bar."""
    signs = ("+", "=", "")
    parts = []
    for tile, sign in zip(maps, signs, strict=True):
        parts.append(
            f'<div><img class="pixel" src="{tile.image}" alt="{escape(tile.heading)}"><p><b>{escape(tile.heading)}</b>'
            f'<br><span class="muted number">{escape(tile.detail)}</span></p></div>'
        )
        if sign:
            parts.append(f'<div class="sign">{sign}</div>')
    bar = "".join(
        f'<div style="width:{share * 100:.2f}%;background:{tone}">{escape(text)}</div>'
        for (text, share), tone in zip(shares, (GREEN, PURPLE), strict=True)
    )
    return f'<div class="sum">{"".join(parts)}</div>{scale}<div class="share number">{bar}</div>'
