"""Colours with one meaning everywhere, colour scales, and plotly templates for both themes.

Okabe and Ito 2008: eight colours that people with any common colour blindness can tell apart.
"""

import functools

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, UInt8

RESIDUAL, PLAIN = "#0072B2", "#D55E00"
GREEN, PURPLE, SKY, YELLOW = "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
LEGIBLE = 4.5  # the contrast of letters and their ground
QUIET = "#7A828C"  # reference lines and marks without a meaning of their own, in both themes

# Nuñez, Anderton and Renslow 2018: cividis, even in lightness, dark blue to yellow.
_CIVIDIS = "00224e 123570 3b496c 575d6d 707173 8a8678 a59c74 c3b369 e1cc55 fee838"
# Negative blue (residual's), zero white, positive a red of equal lightness.
_SIGNED = "053a6b 0072b2 6fb1dc c9e1f1 ffffff fbd9c8 ef9a76 c8442c 7d1020"
# The same hues on the dark ground: zero is the ground, and lightness grows to either side.
_SIGNED_DARK = "a9d8f7 4fa8e0 1c6ca6 103a57 0b0d10 56231a a5402a e57a4e ffc4a3"
# Attention: from nothing to hot; drawn with an opacity that grows with the value.
_WARM = "b8330a c9400a de5a0e f07c1c fba63a ffd86b"

FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', "
    "'PingFang SC', sans-serif"
)


def _scale(anchors: str, colours: int) -> UInt8[np.ndarray, "colours 3"]:
    """Colours linear between the anchors."""
    points = np.array([list(bytes.fromhex(code)) for code in anchors.split()], dtype=float)
    places = np.linspace(0, len(points) - 1, colours)
    channels = [np.interp(places, range(len(points)), points[:, c]) for c in range(3)]
    return np.stack(channels, 1).round().astype(np.uint8)


# An odd number has a middle, which is zero; and of the 256 colours of a palette one is left for the
# gap in a mosaic.
ORDERED, SIGNED = _scale(_CIVIDIS, 255), _scale(_SIGNED, 255)
WARM = _scale(_WARM, 256)  # one for each opacity


def ink_on(ground: str) -> str:
    """The colour of letters on a ground, `#RRGGBB`: white or near black, as reads best.

    Example:
        >>> ink_on(RESIDUAL), ink_on(PLAIN)
        ('#FFFFFF', '#0B0D10')
    """
    return "#FFFFFF" if 1.05 / (_luminance(_parts(ground)) + 0.05) >= LEGIBLE else "#0B0D10"


@functools.cache
def text_in(colour: str, dark: bool) -> str:
    """A colour for letters on the page: as it is, or lighter or darker until it can be read.

    Example:
        >>> text_in(RESIDUAL, dark=False)
        '#0072B2'
        >>> text_in(RESIDUAL, dark=True) == RESIDUAL
        False
    """
    parts, end = _parts(colour), np.full(3, 1.0 if dark else 0.0)
    ground = _luminance(_parts("#0B0D10" if dark else "#FFFFFF"))
    for share in np.linspace(0, 1, 51):
        mixed = (1 - share) * parts + share * end
        light, low = sorted((_luminance(mixed), ground), reverse=True)
        if (light + 0.05) / (low + 0.05) >= LEGIBLE:
            break
    return "#" + "".join(f"{round(255 * part):02X}" for part in mixed)


def _parts(colour: str) -> Float[np.ndarray, "3"]:
    """Red, green and blue from 0 to 1."""
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def _luminance(parts: Float[np.ndarray, "3"]) -> float:
    """Relative luminance, as WCAG 2 has it."""
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def colourscale(palette: UInt8[np.ndarray, "colours 3"]) -> list[list[object]]:
    """A palette as plotly wants it: pairs of a place from 0 to 1 and a colour."""
    last = len(palette) - 1
    return [
        [i / last, f"rgb({red},{green},{blue})"]
        for i, (red, green, blue) in enumerate(palette.tolist())
    ]


@functools.cache
def signed(dark: bool) -> UInt8[np.ndarray, "colours 3"]:
    """Blue below zero and red above it; zero has the colour of the page in each theme."""
    return _scale(_SIGNED_DARK, 255) if dark else SIGNED


@functools.cache
def template(dark: bool) -> go.layout.Template:
    """The plotly template of a theme: quiet grid, no box, the app's font."""
    ink, grid = ("#e8eaed", "#33383f") if dark else ("#22262b", "#e4e7eb")
    axis = {
        "gridcolor": grid,
        "zerolinecolor": grid,
        "linecolor": grid,
        "ticks": "",
        "title": {"standoff": 8},
    }
    layout = go.Layout(
        font={"family": FONT, "color": ink, "size": 13},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        colorway=[RESIDUAL, PLAIN, GREEN, PURPLE, SKY, YELLOW],
        margin={"l": 56, "r": 12, "t": 12, "b": 44},
        xaxis=axis,
        yaxis=axis,
        hoverlabel={"font": {"family": FONT}},
    )
    return go.layout.Template(layout=layout)
