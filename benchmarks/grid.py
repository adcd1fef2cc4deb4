"""The grid of channels: one palette PNG against a chart of facets."""

import numpy as np
import plotly.express as px

from benchmarks.measure import Result, compare, ratios
from resviz.figures import html, raster

CHANNELS, SIDE, COLUMNS = 64, 56, 8


def run() -> list[Result]:
    """1.0 = plotly express facets of the same 64 maps of 56x56, as JSON, not yet drawn."""
    maps = _maps()
    times = ratios(lambda: _facets(maps), {"resviz": lambda: _grid(maps)}, rounds=7)
    sizes = {"plotly express": len(_facets(maps)) / 1024}
    return [
        compare("grid of 64 channels: build", 0.084, times),
        Result("grid of 64 channels: what is sent", len(_grid(maps)) / 1024, 750, "KiB", sizes),
    ]


def _maps() -> np.ndarray:
    """What a ReLU leaves: half of it zero."""
    values = np.random.default_rng(0).normal(size=(CHANNELS, SIDE, SIDE))
    return np.maximum(values, 0).astype(np.float32)


def _grid(maps: np.ndarray) -> str:
    titles = [(str(i), f"channel {i}") for i in range(CHANNELS)]
    image = raster.data_uri(raster.mosaic_png(maps, COLUMNS, shared=False))
    return html.channel_grid(image, "64 channels", COLUMNS, titles, "0")


def _facets(maps: np.ndarray) -> str:
    return px.imshow(maps, facet_col=0, facet_col_wrap=COLUMNS).to_json()
