"""Layers with growing boxes from input to output, as HTML for `ui.widgets.clickable`."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from resviz.figures.theme import SKY, YELLOW

_VIEW, _LARGEST = 100, 96  # units of the drawing: its side, and that of the largest box
_FIELD = f'fill="{SKY}" fill-opacity="0.35" stroke="{SKY}" stroke-width="1.5"'
_EFFECTIVE = f'fill="{YELLOW}" fill-opacity="0.9"'
_IMAGE = 'class="image" fill="none" stroke-dasharray="4 3" '


@dataclass(frozen=True, slots=True)
class Rung:
    """A layer of the ladder.

    `value`: what a click reports. `size`, `effective`: the sides of its theoretical and of its
    effective field (None where that is not measured). `hint`: the text on hovering.
    """

    value: str
    name: str
    size: float
    effective: float | None
    hint: str


def ladder(rungs: Sequence[Rung], side: float | None, chosen: str | None) -> str:
    """Layers from input to output, each with its field as a box.

    How to read: all boxes have one scale. Blue is what a unit can see, yellow what really moves it,
    dashed the image (where `side` is given).
    """
    scale = _LARGEST / max([side or 1, *(rung.size for rung in rungs)])
    boxes = "".join(_rung(rung, side, scale, rung.value == chosen) for rung in rungs)
    return f'<div class="ladder" style="--rungs:{len(rungs)}">{boxes}</div>'


def _rung(rung: Rung, side: float | None, scale: float, on: bool) -> str:
    """One layer with its boxes, name and size."""
    boxes = _square(rung.size * scale, _FIELD)
    boxes += _square(rung.effective * scale, _EFFECTIVE) if rung.effective else ""
    boxes += _square(side * scale, _IMAGE) if side else ""
    look, hint = "rung on" if on else "rung", escape(rung.hint)
    return (
        f'<div class="{look}" data-pick="{escape(rung.value)}" title="{hint}" aria-label="{hint}">'
        f'<svg viewBox="0 0 {_VIEW} {_VIEW}" aria-hidden="true">{boxes}</svg><p>'
        f'<b>{escape(rung.name)}</b><br><span class="muted number">{rung.size:g} px</span>'
        "</p></div>"
    )


def _square(length: float, look: str) -> str:
    """A square around the middle of the drawing."""
    start = (_VIEW - length) / 2
    corner = f'x="{start:.2f}" y="{start:.2f}"'
    return f'<rect {corner} width="{length:.2f}" height="{length:.2f}" {look}/>'
