"""The network, drawn: the layer picker of every page, with the photo's own maps in it."""

from collections.abc import Iterable
from dataclasses import replace

from resviz.errors import ProbeError
from resviz.figures import families, raster
from resviz.figures.architecture import outlined
from resviz.figures.architecture.network import drawing
from resviz.figures.architecture.outlined import Faces, Labels, shape_of
from resviz.figures.architecture.placement import Look
from resviz.figures.theme import RESIDUAL
from resviz.models.spec import FAMILIES
from resviz.probes.architecture.outline import Outline, Unit
from resviz.ui.base import page
from resviz.ui.base.i18n import said
from resviz.ui.base.i18n import translate as _
from resviz.ui.services import architecture, models, photo_results
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import clickable

MOST_BOXES = 20  # that can be told apart on a page
MOST_NARROW = 10
WIDE, NARROW, HEIGHT = 1080, 560, 66  # pixels
INSIDE, INSIDE_HEIGHT = 880, 44


def network(subject: Subject, chosen: str, height: int = HEIGHT) -> str | None:
    """Draw the model with the photo's mean maps in it; returns the layer that was clicked.

    A click chooses the layer of a box or an arc.

    Raises `ProbeError` for a network that cannot be traced.
    """
    return clickable.show(_drawn(subject, chosen, height), "network", "layer")


def inside(subject: Subject, chosen: str) -> None:
    """Draw the steps of the unit in which the chosen layer lies; each of them can be chosen."""
    whole = architecture.folded(subject.model, MOST_BOXES)
    place = _place_of(chosen, whole)
    if place is not None and len(whole.units[place].operations) > 1:
        clickable.show(_opened(subject, whole, place, chosen), "inside", "layer")


def can_be_drawn(name: str) -> bool:
    """Whether the model can be traced; what cannot is picked from a list."""
    try:
        architecture.outline(name)
    except ProbeError:
        return False
    return True


def _place_of(layer: str, whole: Outline) -> int | None:
    """Place of the unit that a layer belongs to."""
    for place, unit in enumerate(whole.units):
        if any(layer == name or layer.startswith(f"{name}.") for name in (unit.name, *unit.names)):
            return place
    return None


def _drawn(subject: Subject, chosen: str, height: int) -> str:
    """The network for a wide page, and for a narrow one with more of it folded."""
    photo = raster.data_uri(photo_results.jpeg(subject.photo))
    look = Look(
        _("The network {name}, from the photo to the answer").format(name=subject.model),
        height=height,
        photo=photo,
        photo_name=said(subject.title),
        colour=_colour(subject.model),
        dark=page.dark(),
    )
    graph = architecture.graph(subject.model)
    drawings = []
    for width, most in ((WIDE, MOST_BOXES), (NARROW, MOST_NARROW)):
        whole = architecture.folded(subject.model, most)
        faces = _faces(subject, [unit.name for unit in whole.units])
        boxes, bridges = outlined.whole(whole, graph, _labels(), faces)
        place = _place_of(chosen, whole)
        name = whole.units[place].name if place is not None else ""
        stages = {unit.stage: _stage(unit) for unit in whole.units if unit.stage}
        drawings.append(
            drawing(boxes, bridges, replace(look, width=width, chosen=name, groups=stages))
        )
    return f'<div class="drawings">{"".join(drawings)}</div>'


def _opened(subject: Subject, whole: Outline, place: int, chosen: str) -> str:
    """What happens inside one unit, step by step; its x is what the unit before made."""
    graph, unit = architecture.graph(subject.model), whole.units[place]
    before = whole.units[place - 1].name if place else ""
    names = [graph.operations[i].name for i in unit.operations]
    faces = _faces(subject, [before, *(name for name in names if ":" not in name)])
    boxes, bridges = outlined.inside(unit, graph, _labels(), faces)
    look = Look(
        _("Inside {name}").format(name=unit.name),
        height=INSIDE_HEIGHT,
        photo=faces.images.get(before, ""),
        photo_name="x",
        chosen=chosen,
        colour=_colour(subject.model),
        dark=page.dark(),
    )
    drawings = [drawing(boxes, bridges, replace(look, width=width)) for width in (INSIDE, NARROW)]
    return f'<div class="drawings inside">{"".join(drawings)}</div>'


def _faces(subject: Subject, names: Iterable[str]) -> Faces:
    """The mean maps of the layers that have one; these can be chosen."""
    spatial = frozenset(layer.name for layer in models.layers(subject.model) if layer.spatial)
    shown = tuple(dict.fromkeys(name for name in names if name in spatial))
    maps = photo_results.stage_maps(subject, shown)
    dark = page.dark()
    pictures = {name: raster.map_png(values, dark=dark) for name, values in maps.items()}
    images = {name: raster.data_uri(picture) for name, picture in pictures.items()}
    return Faces(images, pickable=spatial)


def _stage(unit: Unit) -> tuple[str, str]:
    return unit.stage, shape_of(unit.output_shape)


def _colour(model: str) -> str:
    """A family's colour; a network of others counts as residual, for its arcs are shortcuts."""
    spec = models.model(model).spec
    return families.style(spec.family, tuple(FAMILIES)).colour if spec else RESIDUAL


def _labels() -> Labels:
    return Labels(
        stem=_("stem"),
        between=_("transition"),
        head=_("head"),
        unit=_("{name}: output {shape}, {parameters:,} parameters"),
        folded=_(
            "{count} equal blocks, {first} to {last}: output {shape}, {parameters:,} parameters"
        ),
        operation=_("{name}: {kind}, output {shape}"),
        identity=_("identity shortcut"),
        scaled=_("scaled shortcut"),
        padded=_("shortcut padded with zeros, without weights"),
        projection=_("projection shortcut, with weights"),
        gate=_("gate"),
        branch=_("parallel branch, concatenated"),
        several=_("{count} connections"),
    )
