"""Results as HTML for `ui.widgets.clickable`.

Texts are escaped, pictures travel inside. `data-pick` marks what can be clicked; `aria-pressed`
says to a screen reader which of several is chosen.
"""

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
    return f'<div class="thumbs">{"".join(_thumbnail(tile, chosen) for tile in tiles)}</div>'


def _thumbnail(tile: Tile, chosen: str | None) -> str:
    picture = f'<img src="{tile.image}" alt="{escape(tile.heading)}">'
    return _choice(tile.value, tile.heading, picture, tile.value == chosen)


def _choice(value: str, hint: str, inside: str, on: bool, kind: str = "") -> str:
    """One of several things to click, of which `on` is the chosen one; `inside` is HTML."""
    kinds = " ".join(filter(None, (kind, "on" if on else "")))
    name = escape(hint)
    return (
        f'<div data-pick="{escape(value)}" class="{kinds}" title="{name}" aria-label="{name}"'
        f' aria-pressed="{str(on).lower()}">{inside}</div>'
    )


def framed_photo(
    photo: str, alt: str, box: tuple[float, float, float, float], size: tuple[int, int]
) -> str:
    """A photo dimmed outside `box`: left, top, right, bottom in pixels of `size`."""
    width, height = size
    left, top, right, bottom = box
    outside = f"M0 0H{width}V{height}H0Z M{left:.1f} {top:.1f}V{bottom:.1f}H{right:.1f}V{top:.1f}Z"
    return (
        f'<div class="stack"><img src="{photo}" alt="{escape(alt)}">'
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path d="{outside}" fill="black" fill-opacity="0.55" fill-rule="evenodd"/></svg></div>'
    )


def overlay(photo: str, heat: str, alt: str, slider: str, opacity: float = 0.8) -> str:
    """Heat over a photo with a slider that works in the browser alone; `slider` is its label."""
    pictures = f'<img src="{photo}" alt="{escape(alt)}"><img class="heat" src="{heat}" alt="">'
    return (
        f'<div class="stack">{pictures}</div>'
        f'<label class="slider"><span>{escape(slider)}</span>'
        f'<input type="range" min="0" max="1" step="0.01" value="{opacity}" data-opacity=".heat">'
        "</label>"
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
    """Bars of (value, label, probability); length is the probability, the first is the answer."""
    bars = [_bar(*row, first=i == 0, on=row[0] == chosen) for i, row in enumerate(rows)]
    return f'<div class="bars">{"".join(bars)}</div>'


def _bar(value: str, label: str, probability: float, first: bool, on: bool) -> str:
    hint = f"{label} {percent(probability)}"
    kind = "row first" if first else "row"
    return _choice(value, hint, _bar_inside(label, probability), on, kind)


def _bar_inside(label: str, share: float) -> str:
    return (
        f'<span class="label">{escape(label)}</span>'
        f'<span class="value number">{percent(share)}</span>'
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
    """Maps in forward order, left to right in as many lines as they need; a click leads on."""
    parts = [_strip_tile(tile) for tile in tiles]
    return f'<div class="strip" style="--tiles:{len(parts)}">{"".join(parts)}</div>'


def _strip_tile(tile: Tile) -> str:
    hint = escape(f"{tile.heading} {tile.detail}".replace("\n", ", "))
    return (
        f'<div data-pick="{escape(tile.value)}" aria-label="{hint}" title="{hint}">'
        f'<img class="pixel" src="{tile.image}" alt="">{_under(tile)}</div>'
    )


def _under(tile: Tile) -> str:
    """A tile's heading and its second line."""
    detail = "<br>".join(map(escape, tile.detail.split("\n")))
    return f'<p><b>{escape(tile.heading)}</b><br><span class="muted number">{detail}</span></p>'


def network(stages: Sequence[tuple[str, Sequence[Cell]]], chosen: str | None) -> str:
    """The network from input to output, a row of cells for each stage; the filled one is chosen."""
    parts = [_stage(name, cells, chosen) for name, cells in stages]
    return f'<div class="net">{"".join(parts)}</div>'


def _stage(name: str, cells: Sequence[Cell], chosen: str | None) -> str:
    inner = "".join(_cell(cell, cell.value == chosen) for cell in cells)
    return (
        f'<div class="stage"><span class="name muted">{escape(name)}</span>'
        f'<div class="cells">{inner}</div></div>'
    )


def _cell(cell: Cell, on: bool) -> str:
    return _choice(cell.value, cell.hint, escape(cell.text), on, "cell")


def channel_grid(
    image: str, alt: str, columns: int, titles: Sequence[tuple[str, str]], chosen: str
) -> str:
    """A mosaic with one clickable field for each (value, title)."""
    rows = -(-len(titles) // columns)
    fields = [_choice(value, title, "", value == chosen) for value, title in titles]
    layout = f"grid-template-columns:repeat({columns},1fr);grid-template-rows:repeat({rows},1fr)"
    picture = f'<img class="pixel" src="{image}" alt="{escape(alt)}">'
    return f'<div class="grid">{picture}<div style="{layout}">{"".join(fields)}</div></div>'


def residual_sum(maps: Sequence[Tile], scale: str, shares: Sequence[tuple[str, float]]) -> str:
    """x + F(x) = y as three maps with their signs, the `colour_bar` of all, and a bar of shares.

    How to read: the bar compares the norms of shortcut and branch.
    """
    parts = []
    for tile, sign in zip(maps, ("+", "=", ""), strict=True):
        picture = f'<img class="pixel" src="{tile.image}" alt="{escape(tile.heading)}">'
        parts.append(f"<div>{picture}{_under(tile)}</div>")
        if sign:
            parts.append(f'<div class="sign">{sign}</div>')
    tones = zip(shares, (GREEN, PURPLE), strict=True)
    bar = "".join(_share(text, share, tone) for (text, share), tone in tones)
    return f'<div class="sum">{"".join(parts)}</div>{scale}<div class="share number">{bar}</div>'


def _share(text: str, share: float, tone: str) -> str:
    return f'<div style="width:{share * 100:.2f}%;background:{tone}">{escape(text)}</div>'
