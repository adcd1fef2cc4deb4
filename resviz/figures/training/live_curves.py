"""Learning curves as a plain drawing, for while they grow: Streamlit builds a plotly chart anew at every change.

It has the measures of `records.learning_curves`, pixel for pixel, so that nothing moves when the
chart takes its place: lines are stretched with the page, words and rings keep their size.
"""

import html
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from resviz.figures.theme import FONT, template
from resviz.figures.training.learning_curves import (
    BOTTOM,
    GAP,
    HEIGHT,
    LEFT,
    TOP,
    Curve,
    Frame,
    beyond,
    edges,
    end_names,
    on_scale,
    told,
)

DASHES = ("", "9 9", "3 3", "9 3 3 3", "15 15")  # plotly's dashes in pixels
DOTS = "1 3"
SIDE = 1000  # of the drawing, before it is stretched


def sketch(curves: Sequence[Curve], frame: Frame, dark: bool, alt: str) -> str:
    """HTML of the same lines, rings and names as `learning_curves` in the same frame."""
    layout = template(dark).layout
    places = list(zip(curves, edges(curves, frame.top), strict=True))
    lines = "".join(_joined(curve, frame, edge) + _line(curve, frame) for curve, edge in places)
    rings = "".join(_rings(curve, frame, edge) for curve, edge in places)
    names = "".join(
        f'<span style="{_at(name.x / frame.until, name.y / frame.top)};margin-left:{GAP}px;color:{name.colour};'
        f'transform:translateY(-50%)">{html.escape(name.text)}</span>'
        for name in end_names(curves, frame.top)
    )
    style = f"position:relative;height:{HEIGHT}px;font:13px/1.2 {FONT};color:{layout.font.color};white-space:nowrap"
    area = f"position:absolute;left:{LEFT}px;right:{frame.right}px;top:{TOP}px;bottom:{BOTTOM}px"
    whole = "position:absolute;width:100%;height:100%;overflow:visible"
    return (
        f'<div class="curves" role="img" aria-label="{html.escape(alt)}" style="{html.escape(style)}">'
        f'<div style="{area}">{_grid(frame, layout.xaxis.gridcolor)}'
        f'<svg viewBox="0 0 {SIDE} {SIDE}" preserveAspectRatio="none" style="{whole}">{lines}</svg>'
        f"{rings}{names}</div>{_titles(frame)}</div>"
    )


def _line(curve: Curve, frame: Frame) -> str:
    dash = DASHES[curve.rank % len(DASHES)]
    return (
        f'<polyline points="{_points(curve.at, curve.smooth, frame, frame.top)}" fill="none" stroke="{curve.colour}" '
        f'stroke-width="2.2" stroke-dasharray="{dash}" vector-effect="non-scaling-stroke"/>'
    )


def _joined(curve: Curve, frame: Frame, edge: float) -> str:
    """The test results of a run, joined by a thin dotted line."""
    if not len(curve.ends):
        return ""
    return (
        f'<path d="M{_points(curve.ends, curve.test, frame, edge)}" fill="none" stroke="{curve.colour}" '
        f'stroke-width="1" stroke-dasharray="{DOTS}" vector-effect="non-scaling-stroke"/>'
    )


def _points(
    at: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"], frame: Frame, edge: float
) -> str:
    x, y = at / frame.until * SIDE, SIDE - _share(values, frame.top, edge) * SIDE
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))


def _rings(curve: Curve, frame: Frame, edge: float) -> str:
    """A ring for each test result; a triangle for one beyond the scale, which tells its value under the pointer."""
    ring = f"width:8px;height:8px;margin:-4px;box-shadow:inset 0 0 0 1.6px {curve.colour};border-radius:50%"
    triangle = (
        f"width:12px;height:10px;margin:-5px -6px;background:{curve.colour};"
        "clip-path:polygon(50% 0,0 100%,100% 100%)"
    )
    places = zip(
        curve.ends / frame.until,
        _share(curve.test, frame.top, edge),
        beyond(curve.test, frame.top),
        curve.test,
        strict=True,
    )
    return "".join(
        f'<i class="{"beyond" if out else "ring"}" title="{told(value)}" '
        f'style="{_at(a, b)};{triangle if out else ring}"></i>'
        for a, b, out, value in places
    )


def _share(values: Float[np.ndarray, " n"], top: float, edge: float) -> Float[np.ndarray, " n"]:
    """Height as a share of the scale; what is no number, or above it, lies at its edge."""
    return np.maximum(on_scale(values, top, edge) / top, 0)


def _at(across: float, up: float) -> str:
    return f"position:absolute;left:{100 * across:.2f}%;top:{100 - 100 * up:.2f}%"


def _grid(frame: Frame, colour: str) -> str:
    across, up = frame.ticks
    parts = [
        f'<div style="{_at(0, tick / frame.top)};width:100%;height:1px;background:{colour}"></div>'
        f'<span class="tick" style="position:absolute;right:100%;margin-right:2px;'
        f'top:{100 - 100 * tick / frame.top:.2f}%;transform:translateY(-50%)">{tick:g}</span>'
        for tick in up
    ]
    parts += [
        f'<div style="{_at(tick / frame.until, 1)};height:100%;width:1px;background:{colour}"></div>'
        f'<span class="tick" style="{_at(tick / frame.until, 0)};margin-top:3px;'
        f'transform:translateX(-50%)">{tick:g}</span>'
        for tick in across
    ]
    return "".join(parts)


def _titles(frame: Frame) -> str:
    middle = f"left:{LEFT}px;right:{frame.right}px"
    return (
        f'<div style="position:absolute;{middle};bottom:5px;text-align:center">{html.escape(frame.across)}</div>'
        f'<div style="position:absolute;left:16px;top:{(TOP + HEIGHT - BOTTOM) / 2:.0f}px;'
        f'transform:translate(-50%,-50%) rotate(-90deg)">{html.escape(frame.up)}</div>'
    )
