"""The network as a ladder of layers with growing boxes, and what really moves their middle units."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures.receptive_field import scene
from resviz.ui.base import page
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.services import models, receptive_fields
from resviz.ui.widgets import clickable

if TYPE_CHECKING:
    from resviz.probes.receptive_field.theoretical import ReceptiveField

RUNGS = 12
WINDOWS = ("Conv2d", "MaxPool2d")


def show(model: str, side: int, chosen: str) -> Callable[[], None]:
    """What layers could see, at once; the function measures what moves them, draws that too, and costs the time."""
    found, every = receptive_fields.theoretical(model, side), steps(model, side)
    spread = page.spread(every, RUNGS)
    names = [name for name in found if name in spread or name == chosen]
    drawn, bar = st.empty(), st.container()
    st.caption(
        _(
            "What a unit can see (blue) and the area that holds 95% of what moves it on noise (yellow), on one scale,"
            " at {shown} of {all} steps from input to output. Dashed: the image of {side} px. Click a layer to open it."
        ).format(side=side, shown=len(spread), all=len(every))
    )

    def draw(measured: Mapping[str, float | None], key: str) -> None:
        rows = [
            scene.Rung(
                name,
                name,
                max(found[name].size),
                measured.get(name),
                _hint(found[name], measured.get(name)),
            )
            for name in names
        ]
        with drawn.container():
            clickable.show(scene.ladder(rows, side, chosen), key, "layer")

    def measure() -> None:
        with bar:
            draw(profile(model, side, tuple(names)), "ladder")

    if all(receptive_fields.is_measured(model, side, name) for name in names):
        measure()
        return lambda: None
    draw({}, "ladder-first")
    return measure


def _hint(field: "ReceptiveField", measured: float | None) -> str:
    told = _("{name}: {size} px").format(name=field.name, size=max(field.size))
    return told + (_(", effective {size:.2g} px").format(size=measured) if measured else "")


def steps(model: str, side: int) -> tuple[str, ...]:
    """The first convolution and the blocks, or all windows where blocks have no fields."""
    found = receptive_fields.theoretical(model, side)
    blocks = [
        name for name in models.block_names(model) if name in found and not found[name].whole_image
    ]
    windows = [
        layer.name
        for layer in models.layers(model)
        if layer.kind in WINDOWS and layer.name in found
    ]
    return tuple(dict.fromkeys((*windows[:1], *blocks) if blocks else windows))


def rungs(model: str, side: int) -> tuple[str, ...]:
    """Of the steps so many, evenly from the first to the last."""
    return page.spread(steps(model, side), RUNGS)


def profile(model: str, side: int, names: tuple[str, ...]) -> dict[str, float | None]:
    """Effective sizes on noise, layer by layer, with progress."""
    sizes: dict[str, float | None] = {}
    text = _("Measuring what moves the units of {model}").format(model=escaped(model))
    with page.progress(text) as update:
        for i, name in enumerate(names):
            update(i / len(names))
            found = receptive_fields.on_noise(model, side, name, None)
            sizes[name] = found.size if found else None
    return sizes
