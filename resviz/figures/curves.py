"""Learning curves as a plain drawing, for while they grow: Streamlit builds a plotly chart anew at every change."""

import html
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from resviz.figures.records import COLOURS, WINDOW, Curve, end_names, running_mean
from resviz.figures.theme import GREEN

WIDTH, HEIGHT = 900, 430
LEFT, RIGHT, TOP, BOTTOM = 58, 124, 14, 46
NARROW = "<style>@media (max-width:1000px){.curves svg{font-size:19px!important}}</style>"
DASHES = ("", "7 4", "2 4", "8 3 2 3", "12 4")


def sketch(curves: Sequence[Curve], words: tuple[str, str, str, str], until: float, top: float, alt: str) -> str:
    """An SVG of the same lines, rings and names as `learning_curves`, over 0 to `until` epochs and 0 to `top`."""

    def x(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        return LEFT + np.asarray(values) / max(until, 1e-9) * (WIDTH - LEFT - RIGHT)

    def y(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        return HEIGHT - BOTTOM - np.clip(np.asarray(values) / max(top, 1e-9), 0, 1) * (HEIGHT - TOP - BOTTOM)

    parts = [_grid(words, until, top)]
    for curve in curves:
        colour = COLOURS.get(curve.family, GREEN)
        smooth = running_mean(curve.training, WINDOW)
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x(curve.at), y(smooth), strict=True))
        dash = DASHES[curve.rank % len(DASHES)]
        stroke = f'fill="none" stroke="{colour}"'
        parts.append(f'<polyline points="{line}" {stroke} stroke-width="2.2" stroke-dasharray="{dash}"/>')
        parts += [
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" {stroke} stroke-width="1.6"/>'
            for a, b in zip(x(curve.ends), y(curve.test), strict=True)
        ]
    for name in end_names(curves):
        place = f'x="{x(np.array(name.x)) + 8:.1f}" y="{y(np.array(name.y)) + 4:.1f}"'
        parts.append(f'<text {place} fill="{name.colour}">{html.escape(name.text)}</text>')
    return (
        f'<div class="curves"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(alt)}" '
        f'style="width:100%;height:auto;font-size:13px">{NARROW}{"".join(parts)}</svg></div>'
    )


def _grid(words: tuple[str, str, str, str], until: float, top: float) -> str:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for i in range(6):
        level, height = top * i / 5, bottom - (bottom - TOP) * i / 5
        parts.append(
            f'<line x1="{LEFT}" x2="{right}" y1="{height:.1f}" y2="{height:.1f}" stroke="currentColor" opacity="0.12"/>'
            f'<text x="{LEFT - 8}" y="{height + 4:.1f}" text-anchor="end" fill="currentColor">{level:.2g}</text>'
        )
        across = LEFT + (right - LEFT) * i / 5
        epochs = f"{until * i / 5:.3g}"
        parts.append(
            f'<text x="{across:.1f}" y="{bottom + 18}" text-anchor="middle" fill="currentColor">{epochs}</text>'
        )
    middle = (TOP + bottom) / 2
    parts.append(
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle" fill="currentColor">'
        f"{html.escape(words[0])}</text>"
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle" fill="currentColor">'
        f"{html.escape(words[1])}</text>"
    )
    return "".join(parts)
