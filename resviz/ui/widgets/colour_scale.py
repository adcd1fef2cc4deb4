"""A map with the colours that its values have."""

import numpy as np

from resviz.figures import html, raster
from resviz.ui.base.page import dark


def map_with_scale(values: np.ndarray, scale: raster.Range, alt: str) -> str:
    """Draw a map cell by cell over its colour scale."""
    return html.pixels(raster.data_uri(raster.map_png(values, scale, dark())), alt) + scale_bar(
        scale
    )


def scale_bar(scale: raster.Range) -> str:
    """Draw a colour scale with the values at its ends."""
    legend = raster.data_uri(raster.scale_png(scale.signed, dark()))
    return html.colour_bar(legend, f"{scale.low:.3g}", f"{scale.high:.3g}")
