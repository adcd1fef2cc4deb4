"""The theoretical receptive field of every layer (Araujo et al. 2019, Distill): the pixels that a unit can see at all.

An empty tensor that carries fields (`tracer.py`) goes through the network's own `forward`, so
skips, concatenations and whatever the network does with functions count as they run; nothing is
computed. Where branches meet, the field is the union of theirs. Normalisations count as pointwise:
what they measure of the image is not followed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from math import ceil
from typing import Any, NamedTuple

import torch
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.core.hooks import eval_mode, resolve_all, submodules
from resviz.probes.core.layers import check_spatial
from resviz.probes.receptive_field.axis import Axis, Size
from resviz.probes.receptive_field.tracing.modules import watched
from resviz.probes.receptive_field.tracing.rules import Seen, Traced

Pair = tuple[int | float, int | float]
Names = Mapping[nn.Module, tuple[str, ...]]  # of modules, one of which may have several


class ReceptiveField(NamedTuple):
    """What a unit of the layer's map sees, in pixels of the input, each (height, width).

    Unit (i, j) sees the `size` pixels from `start + (i, j) * stride` on; `start` may be negative,
    in the padding. After upsampling, or pooling to a given number of units, some units may see more
    than others: `size` is that of the largest field, and `stride`, perhaps a fraction, holds on
    average. `aligned`: wherever branches met on the way, their fields had the same centres and
    strides. `whole_image`: the way leads through a mean over the whole map; `size` is then the
    image's, `start` 0 and `stride` how far units lie apart (the last pixels, where a stride leaves
    some out, count as seen). `smallest` and `largest`: what a unit would see along the shortest
    path alone (every block skipped), and along the longest; the field of all paths together is
    larger than the latter only where they are not aligned. `units`: rows and columns of the map.
    """

    name: str
    size: tuple[int, int]
    stride: Pair
    start: tuple[int, int]
    aligned: bool
    whole_image: bool
    smallest: tuple[int, int]
    largest: tuple[int, int]
    units: tuple[int, int]

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the first unit's field, in pixels."""
        return self.start[0] + (self.size[0] - 1) / 2, self.start[1] + (self.size[1] - 1) / 2


class Followed(NamedTuple):
    """Layer -> what the tracer saw of its map after its last run, in the order of these, and how often it ran."""

    maps: dict[str, Seen]
    runs: dict[str, int]


def receptive_field(
    model: nn.Module, layers: Iterable[str] | None = None, input_size: int | tuple[int, int] = 224
) -> tuple[ReceptiveField, ...]:
    """The fields of `layers`, or of all with a spatial output, in the order in which they finish.

    The image is RGB, `input_size` its side or (height, width); fields do not depend on it but after
    a mean over the whole map, or a pooling to a given number of units. Of a module that runs more
    than once the last output counts. Without `layers`, those behind an operation that mixes places
    in a way of its own (attention) are left out. Raises `ProbeError` for an unknown layer, one that
    does not run or has no map, one behind such an operation, an operation that needs numbers, and
    an image smaller than a kernel.
    """
    sides = (input_size, input_size) if isinstance(input_size, int) else input_size
    maps = follow(model, layers, sides).maps
    distinct = {id(seen): seen for seen in maps.values()}
    described = {
        key: _described(seen, sides) for key, seen in distinct.items()
    }  # layers share most of them
    made = partial(tuple.__new__, ReceptiveField)  # as `_make`, in half its time
    return tuple([made((name, *described[id(seen)])) for name, seen in maps.items()])


def follow(model: nn.Module, layers: Iterable[str] | None, sides: tuple[int, int]) -> Followed:
    """What the tracer saw of `layers`, or of all with a map that can be followed; raises as `receptive_field` does."""
    inside = submodules(model)
    names = (
        {module: (name,) for module, name in inside.items()}
        if layers is None
        else _asked(model, layers)
    )
    ran: list[nn.Module] = []
    last: dict[nn.Module, Seen | None] = {}

    def record(module: nn.Module, output: object) -> None:
        ran.append(module)
        last.pop(module, None)  # it comes where it ran last
        last[module] = seen = (
            output.seen if type(output) is Traced and len(output.seen.form) == 4 else None
        )
        if seen is None and layers is not None:
            check_spatial(model, names[module][0], output)

    with eval_mode(model, inside), torch.no_grad(), watched(names, record):
        model(Traced.image(3, sides, next((p.dtype for p in model.parameters()), torch.float32)))
    if layers is not None:
        _check_followed(names, last)
    maps = {
        name: seen
        for module, seen in last.items()
        if seen and not seen.lost
        for name in names[module]
    }
    if not maps:
        raise ProbeError(
            "no layer of this model gives a map whose receptive field can be followed; choose another"
        )
    runs = Counter(ran)
    return Followed(maps, {name: times for module, times in runs.items() for name in names[module]})


def _asked(model: nn.Module, layers: Iterable[str]) -> Names:
    """The modules that these layers are; raises `ProbeError` for an unknown one."""
    found: dict[nn.Module, tuple[str, ...]] = {}
    for layer, module in resolve_all(model, layers).items():
        found[module] = (*found.get(module, ()), layer)
    return found


def _check_followed(names: Names, last: dict[nn.Module, Seen | None]) -> None:
    for module, (layer, *_) in names.items():
        seen = last.get(module)
        if seen is None:
            raise ProbeError(
                "layer {layer} does not run when the model looks at an image; choose another layer",
                layer=layer,
            )
        if seen.lost:
            raise ProbeError(
                "the receptive field of {layer} is lost at the operation {lost}; choose an earlier layer",
                layer=layer,
                lost=seen.lost,
            )


def _described(seen: Seen, sides: tuple[int, int]) -> tuple[Any, ...]:
    """All of a `ReceptiveField` but its name."""
    y, x = seen.axes
    rows = _along(y, sides[0])
    columns = rows if x is y and sides[0] == sides[1] else _along(x, sides[1])
    size, stride, start, smallest, largest = zip(rows, columns, strict=True)
    return (
        size,
        stride,
        start,
        y.aligned and x.aligned,
        y.whole and x.whole,
        smallest,
        largest,
        seen.units,
    )


def _along(axis: Axis, side: int) -> tuple[int, int | float, int, int, int]:
    """Size, stride and start of the fields along height or width, and the sizes along the shortest and longest path."""
    size = side if axis.whole else axis.size
    start = 0 if axis.whole else axis.first.table[0]
    return size, _stride(axis), start, _pixels(axis.least, size), _pixels(axis.most, size)


def _pixels(path: Size, size: int) -> int:
    return size if path >= size else ceil(path)


def _stride(axis: Axis) -> int | float:
    if len(axis.first.table) == 1:
        return axis.first.step
    rate = axis.first.rate
    return rate.numerator if rate.denominator == 1 else float(rate)
