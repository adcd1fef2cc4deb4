"""The network as a ladder of layers with growing boxes, and what really moves their middle
units.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures.receptive_field import ladder as drawing
from resviz.ui.base import page
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.services import models, receptive_fields
from resviz.ui.widgets import clickable

if TYPE_CHECKING:
    from resviz.probes.receptive_field.theoretical import ReceptiveField

RUNGS = 12  # that fit side by side
WINDOWS = ("Conv2d", "MaxPool2d")
Sizes = Mapping[str, float | None]  # layer -> size of its effective field; None for none


def draw_ladder(model: str, side: int, chosen: str) -> Callable[[], None]:
    """Draw what layers can see at once; return a function that adds what moves them.

    That takes time, so the page calls it when all else is there.
    """
    fields, all_steps = receptive_fields.theoretical(model, side), steps(model, side)
    shown = page.spread(all_steps, RUNGS)
    names = [name for name in fields if name in shown or name == chosen]
    place, bar = st.empty(), st.container()
    _draw_caption(side, len(shown), len(all_steps))

    def draw(sizes: Sizes, key: str) -> None:
        rungs = [_rung(fields[name], sizes.get(name)) for name in names]
        with place.container():
            clickable.show(drawing.ladder(rungs, side, chosen), key, "layer")

    def measure() -> None:
        with bar:
            draw(effective_sizes(model, side, tuple(names)), "ladder")

    if all(receptive_fields.is_measured(model, side, name) for name in names):
        measure()
        return lambda: None
    draw({}, "ladder-first")
    return measure


def _draw_caption(side: int, shown: int, count: int) -> None:
    """One line, and the rest folded."""
    st.caption(
        _("Blue: what a unit can see. Yellow: what really moves it. Click a layer to open it.")
    )
    with st.expander(_("How to read this")):
        st.caption(
            _(
                "All boxes have one scale; dashed is the image of {side} px. Yellow is the area"
                " that holds 95% of what moves the middle unit, measured on noise. The ladder has"
                " {shown} of {count} steps from input to output."
            ).format(side=side, shown=shown, count=count)
        )


def _rung(field: "ReceptiveField", effective: float | None) -> drawing.Rung:
    """A layer with its sizes."""
    name, size = field.name, max(receptive_fields.own_size(field))
    text = _("{name}: {size} px").format(name=name, size=size)
    if effective:
        text = _("{name}: {size} px, effective {effective:.2g} px").format(
            name=name, size=size, effective=effective
        )
    return drawing.Rung(name, name, size, effective, text)


def steps(model: str, side: int) -> tuple[str, ...]:
    """The first convolution and the blocks; all windows where blocks have no fields."""
    fields = receptive_fields.theoretical(model, side)
    blocks = [
        name
        for name in models.block_names(model)
        if name in fields and fields[name].through != "map"
    ]
    windows = [
        layer.name
        for layer in models.layers(model)
        if layer.kind in WINDOWS and layer.name in fields
    ]
    return tuple(dict.fromkeys((*windows[:1], *blocks) if blocks else windows))


def rungs(model: str, side: int) -> tuple[str, ...]:
    """As many of the steps as fit, evenly from the first to the last."""
    return page.spread(steps(model, side), RUNGS)


def effective_sizes(model: str, side: int, names: tuple[str, ...]) -> dict[str, float | None]:
    """Sizes of the effective fields on noise, layer by layer, with progress."""
    sizes: dict[str, float | None] = {}
    text = _("Measuring what moves the units of {model}").format(model=escaped(model))
    with page.progress(text) as update:
        for i, name in enumerate(names):
            update(i / len(names))
            field = receptive_fields.on_noise(model, side, name, None)
            sizes[name] = field.size if field else None
    return sizes
