"""The grid of channels: one palette PNG against a chart of facets."""

import numpy as np
import plotly.express as px

from benchmarks.measure import Result, compare, ratios
from resviz.figures import html, raster

CHANNELS, SIDE, COLUMNS = 64, 56, 8


def run() -> list[Result]:
    """1.0 = plotly express facets of the same 64 maps of 56x56, as JSON; drawing in the browser not included."""
    maps = np.maximum(np.random.default_rng(0).normal(size=(CHANNELS, SIDE, SIDE)), 0).astype(
        np.float32
    )
    found = ratios(lambda: _facets(maps), {"resviz": lambda: _grid(maps)}, rounds=7)
    size = Result("grid of 64 channels: what is sent", len(_grid(maps)) / 1024, 750, "KiB")
    size.peers["plotly express"] = len(_facets(maps)) / 1024  # type: ignore[index]
    return [compare("grid of 64 channels: build", 0.084, found), size]


def _grid(maps: np.ndarray) -> str:
    titles = [(str(i), f"channel {i}") for i in range(CHANNELS)]
    image = raster.data_uri(raster.mosaic_png(maps, COLUMNS, shared=False))
    return html.channel_grid(image, "64 channels", COLUMNS, titles, "0")


def _facets(maps: np.ndarray) -> str:
    return px.imshow(maps, facet_col=0, facet_col_wrap=COLUMNS).to_json()
