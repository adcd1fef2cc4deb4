"""Learning curves as a plain drawing, for while they grow: Streamlit builds a plotly chart anew.

It has the measures of `learning_curves`, pixel for pixel, so that nothing moves when the chart
takes its place: lines are stretched with the page, words and rings keep their size.
"""

import html
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from resviz.figures.theme import FONT, template, text_in
from resviz.figures.training.learning_curves import (
    BOTTOM,
    GAP,
    HEIGHT,
    LEFT,
    TOP,
    Curve,
    EndName,
    Frame,
    beyond,
    edges,
    end_names,
    on_scale,
    rounded,
)

DASHES = ("", "9 9", "3 3", "9 3 3 3", "15 15")  # plotly's dashes in pixels
DOTS = "1 3"
SIDE = 1000  # of the drawing, before it is stretched


def sketch(curves: Sequence[Curve], frame: Frame, dark: bool, alt: str) -> str:
    """Draw the same lines, rings and names as `learning_curves` in the same frame, as HTML."""
    layout = template(dark).layout
    places = list(zip(curves, edges(curves, frame.top), strict=True))
    lines = "".join(_joined(curve, frame, edge) + _line(curve, frame) for curve, edge in places)
    rings = "".join(_rings(curve, frame, edge) for curve, edge in places)
    names = "".join(_name(name, frame, dark) for name in end_names(curves, frame.top))
    style = (
        f"position:relative;height:{HEIGHT}px;font:13px/1.2 {FONT};"
        f"color:{layout.font.color};white-space:nowrap"
    )
    area = f"position:absolute;left:{LEFT}px;right:{frame.right}px;top:{TOP}px;bottom:{BOTTOM}px"
    whole = "position:absolute;width:100%;height:100%;overflow:visible"
    view = f'viewBox="0 0 {SIDE} {SIDE}" preserveAspectRatio="none"'
    return (
        f'<div class="curves" role="img" aria-label="{html.escape(alt)}" '
        f'style="{html.escape(style)}"><div style="{area}">'
        f"{_grid(frame, layout.xaxis.gridcolor)}"
        f'<svg {view} style="{whole}">{lines}</svg>'
        f"{rings}{names}</div>{_titles(frame)}</div>"
    )


def _name(name: EndName, frame: Frame, dark: bool) -> str:
    place = _at(name.x / frame.until, name.y / frame.top)
    style = (
        f"{place};margin-left:{GAP}px;color:{text_in(name.colour, dark)};transform:translateY(-50%)"
    )
    return f'<span style="{style}">{html.escape(name.text)}</span>'


def _line(curve: Curve, frame: Frame) -> str:
    dash = DASHES[curve.rank % len(DASHES)]
    points = _points(curve.at, curve.smooth, frame, frame.top)
    return (
        f'<polyline points="{points}" fill="none" stroke="{curve.colour}" stroke-width="2.2" '
        f'stroke-dasharray="{dash}" vector-effect="non-scaling-stroke"/>'
    )


def _joined(curve: Curve, frame: Frame, edge: float) -> str:
    """The test results of a run, joined by a thin dotted line."""
    if not len(curve.ends):
        return ""
    points = _points(curve.ends, curve.test, frame, edge)
    return (
        f'<path d="M{points}" fill="none" stroke="{curve.colour}" stroke-width="1" '
        f'stroke-dasharray="{DOTS}" vector-effect="non-scaling-stroke"/>'
    )


def _points(
    at: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"], frame: Frame, edge: float
) -> str:
    x = at / frame.until * SIDE
    y = SIDE - _share(values, frame.top, edge) * SIDE
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))


def _rings(curve: Curve, frame: Frame, edge: float) -> str:
    """A ring for each test result; a triangle, which tells its value, for one beyond the scale."""
    ring = (
        f"width:8px;height:8px;margin:-4px;"
        f"box-shadow:inset 0 0 0 1.6px {curve.colour};border-radius:50%"
    )
    triangle = (
        f"width:12px;height:10px;margin:-5px -6px;background:{curve.colour};"
        "clip-path:polygon(50% 0,0 100%,100% 100%)"
    )
    across = curve.ends / frame.until
    up = _share(curve.test, frame.top, edge)
    is_beyond = beyond(curve.test, frame.top)
    marks = []
    for a, b, is_out, value in zip(across, up, is_beyond, curve.test, strict=True):
        kind, shape = ("beyond", triangle) if is_out else ("ring", ring)
        title = f'title="{rounded(value)}"'
        marks.append(f'<i class="{kind}" {title} style="{_at(a, b)};{shape}"></i>')
    return "".join(marks)


def _share(values: Float[np.ndarray, " n"], top: float, edge: float) -> Float[np.ndarray, " n"]:
    """Height as a share of the scale; what is beyond it lies at its edge."""
    return np.maximum(on_scale(values, top, edge) / top, 0)


def _at(across: float, up: float) -> str:
    return f"position:absolute;left:{100 * across:.2f}%;top:{100 - 100 * up:.2f}%"


def _grid(frame: Frame, colour: str) -> str:
    x_ticks, y_ticks = frame.ticks
    rows = [_row(tick, tick / frame.top, colour) for tick in y_ticks]
    columns = [_column(tick, tick / frame.until, colour) for tick in x_ticks]
    return "".join(rows + columns)


def _row(tick: float, up: float, colour: str) -> str:
    line = f'<div style="{_at(0, up)};width:100%;height:1px;background:{colour}"></div>'
    place = f"position:absolute;right:100%;margin-right:2px;top:{100 - 100 * up:.2f}%"
    style = f"{place};transform:translateY(-50%)"
    return f'{line}<span class="tick" style="{style}">{tick:g}</span>'


def _column(tick: float, across: float, colour: str) -> str:
    line = f'<div style="{_at(across, 1)};height:100%;width:1px;background:{colour}"></div>'
    style = f"{_at(across, 0)};margin-top:3px;transform:translateX(-50%)"
    return f'{line}<span class="tick" style="{style}">{tick:g}</span>'


def _titles(frame: Frame) -> str:
    middle = f"left:{LEFT}px;right:{frame.right}px"
    below = f"position:absolute;{middle};bottom:5px;text-align:center"
    beside = (
        f"position:absolute;left:16px;top:{(TOP + HEIGHT - BOTTOM) / 2:.0f}px;"
        f"transform:translate(-50%,-50%) rotate(-90deg)"
    )
    return (
        f'<div style="{below}">{html.escape(frame.x_title)}</div>'
        f'<div style="{beside}">{html.escape(frame.y_title)}</div>'
    )
