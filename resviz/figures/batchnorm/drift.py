"""Drift over depth as rows of HTML, and the pictures of the batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from resviz.figures import html, raster

if TYPE_CHECKING:
    from resviz.probes.batchnorm.statistics import BatchNormLayer

DRIFTS = raster.Range(-2.0, 1.0, False)  # log10 of nats: 0.01 to 10, the same for all batches
TICKS = ("≤ 0.01", "0.1", "1", "≥ 10")


@dataclass(frozen=True, slots=True)
class Labels:
    """Headings of the three columns of numbers, and the title of a row, with {layer} in it."""

    median: str
    off: str
    dead: str
    open_layer: str


def drift_rows(layers: "Sequence[BatchNormLayer]", chosen: str, labels: Labels) -> str:
    """Draw one row a layer in forward order, its channels sorted from most to least drifted.

    How to read: colours are on one fixed scale from 0.01 to 10 nats; dark channels lie where they
    were stored, yellow ones far off. The numbers are the median over the channels, and how many
    channels are switched off or dead.
    """
    rows = "".join(_row(layer, layer.layer == chosen, labels) for layer in layers)
    return f'<div class="drift">{_head(labels)}<div class="rows">{rows}</div>{_scale()}</div>'


def _head(labels: Labels) -> str:
    headings = (labels.median, labels.off, labels.dead)
    cells = "".join(f'<span class="muted">{escape(heading)}</span>' for heading in headings)
    return f'<div class="line"><span></span><span></span>{cells}</div>'


def _scale() -> str:
    picture = raster.data_uri(raster.scale_png(False))
    ticks = "".join(f"<span>{tick}</span>" for tick in TICKS)
    bar = f'<img src="{picture}" alt=""><div>{ticks}</div>'
    return f'<div class="line"><span></span><div class="ticks number muted">{bar}</div></div>'


def _row(layer: "BatchNormLayer", on: bool, labels: Labels) -> str:
    name = escape(layer.layer)
    title = escape(labels.open_layer.format(layer=layer.layer))
    picture = raster.data_uri(_drift_png(layer.divergence))
    numbers = (
        f"{layer.drift:.2f}",
        _count(len(layer.switched_off)),
        _count(len(layer.dead)),
    )
    cells = "".join(f'<span class="number">{number}</span>' for number in numbers)
    attributes = f'data-pick="{name}" title="{title}" aria-label="{title}"'
    attributes += f' aria-pressed="{str(on).lower()}"'
    return (
        f'<div class="line{" on" if on else ""}" {attributes}>'
        f'<span class="label">{name}</span><img class="pixel" src="{picture}" alt="">{cells}</div>'
    )


def _drift_png(divergence: np.ndarray) -> bytes:
    """One line of pixels, one a channel; exactly no drift has no logarithm."""
    sorted_channels = np.sort(divergence)[::-1].clip(1e-6)
    return raster.map_png(np.log10(sorted_channels)[None], DRIFTS)


def _count(channels: int) -> str:
    return str(channels) if channels else "·"


def pictures(tiles: Sequence[html.Tile], chosen: str | None) -> str:
    """Show a batch in rows of pictures; a click chooses one unless `chosen` is None."""
    if chosen is not None:
        return f'<div class="batch">{html.thumbnails(tiles, chosen)}</div>'
    images = "".join(_picture(tile) for tile in tiles)
    return f'<div class="batch"><div class="thumbs">{images}</div></div>'


def _picture(tile: html.Tile) -> str:
    name = escape(tile.heading)
    return f'<img src="{tile.image}" alt="{name}" title="{name}">'
