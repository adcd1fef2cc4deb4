"""Receptive fields, computed once and shared by everybody on the server."""

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from resviz.progress import Progress
from resviz.ui.base.bounded_cache import BoundedCache, cached
from resviz.ui.services import models
from resviz.ui.services.image_batches import Batch, tensor

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.probes.receptive_field.arithmetic import Step
    from resviz.probes.receptive_field.effective import EffectiveField
    from resviz.probes.receptive_field.input_size import ImageFit
    from resviz.probes.receptive_field.theoretical import ReceptiveField

DRAWS = 16  # random signs, spread over the pictures; each picture gets one at least
Unit = tuple[int, int]
_theoretical: "BoundedCache[Mapping[str, ReceptiveField]]" = BoundedCache(32)
_measured: "BoundedCache[EffectiveField | None]" = BoundedCache(512)


def theoretical(name: str, side: int) -> "Mapping[str, ReceptiveField]":
    """Follow the fields of all layers that have a map and can be followed, in forward order."""
    from resviz.probes.receptive_field.theoretical import receptive_field

    def follow() -> "Mapping[str, ReceptiveField]":
        with models.borrowed(name) as net:
            return {field.name: field for field in receptive_field(net, input_size=side)}

    return _theoretical.get((name, side), follow)


def of_layer(name: str, side: int, layer: str) -> "ReceptiveField":
    """Follow one layer's field; raises `ProbeError` where it cannot be followed."""
    from resviz.probes.receptive_field.theoretical import receptive_field

    fields = theoretical(name, side)
    if layer in fields:
        return fields[layer]
    with models.borrowed(name) as net:
        return receptive_field(net, [layer], side)[0]


def own_size(field: "ReceptiveField") -> tuple[int, int]:
    """Height and width of the field, without what comes through a gate or a border."""
    return field.size if field.through == "map" else field.local_size


def own_start(field: "ReceptiveField") -> tuple[int, int]:
    """The first pixel of the first unit's field, likewise."""
    return field.start if field.through == "map" else field.local_start


def is_uneven(field: "ReceptiveField") -> bool:
    """Whether units differ in more than their place."""
    return any(axis.exact or len(axis.first.table) > 1 for axis in field.axes)


def on_noise(name: str, side: int, layer: str, unit: Unit | None) -> "EffectiveField | None":
    """Measure the effective field over noise; None for a unit that nothing moves."""
    from resviz.device import best
    from resviz.probes.receptive_field.effective import INPUTS, noise

    return _effective(name, side, lambda: noise(INPUTS, side).to(best().type), layer, unit)


def is_measured(name: str, side: int, layer: str) -> bool:
    """Tell whether the field of the layer's middle unit over noise is known already."""
    return (name, side, layer, None) in _measured


def on_pictures(
    name: str, batch: Batch, layer: str, unit: Unit, progress: Progress
) -> "EffectiveField | None":
    """Measure the effective field over these pictures; None for a unit that nothing moves."""
    draws = max(1, DRAWS // len(batch.pixels))
    inputs = partial(tensor, name, batch)
    return _effective(name, batch.key, inputs, layer, unit, draws=draws, progress=progress)


def _effective(
    name: str,
    key: Hashable,
    inputs: "Callable[[], Tensor]",
    layer: str,
    unit: Unit | None,
    **how: Any,
) -> "EffectiveField | None":
    """Measure on inputs whose key tells what they are, once for everybody."""
    from resviz.probes.receptive_field.effective import effective_receptive_fields

    def measure() -> "EffectiveField | None":
        with models.borrowed(name) as net:
            return effective_receptive_fields(net, inputs(), [layer], unit, **how)[layer]

    return _measured.get((name, key, layer, unit), measure)


@cached(64)
def arithmetic(name: str, side: int, layer: str) -> "tuple[Step, ...]":
    """List the steps of arithmetic that lead to a layer."""
    from resviz.probes.receptive_field.arithmetic import arithmetic as probe

    with models.borrowed(name) as net:
        return probe(net, layer, side)


@cached(32)
def fit(name: str, side: int) -> "ImageFit":
    """Tell how an image of that side suits the network."""
    from resviz.probes.receptive_field.input_size import image_fit

    with models.borrowed(name) as net:
        return image_fit(net, side)
