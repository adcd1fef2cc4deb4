"""Does an image fit a network? Where the field outgrows the image, what is padding, what a gentler stem would change.

Richter et al. 2021, "Should You Go Deeper? Optimizing Convolutional Neural Network Architectures
without Training by Receptive Field Analysis": a convolution whose input sees the whole image
already has no wider context to add; in their experiments such layers do not help. They judge by the
shortest path through a network, which skips make short.
"""

import copy
from dataclasses import dataclass

from torch import nn

from resviz.errors import ProbeError
from resviz.probes.core.layers import blocks
from resviz.probes.receptive_field.axis import Axis, Size
from resviz.probes.receptive_field.theoretical import follow
from resviz.probes.receptive_field.tracing.tensor import Seen

_CONV = nn.Conv2d | nn.ConvTranspose2d
_WINDOW = nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d


@dataclass(frozen=True, slots=True)
class LayerFit:
    """One convolution.

    `size`: height and width of its units' fields. `padding`: the share of them outside the image,
    on average over the units. `sees_all`: its input sees the whole image along all paths together;
    `unproductive`: even along the shortest alone.
    """

    name: str
    size: tuple[int, int]
    padding: float
    sees_all: bool
    unproductive: bool


@dataclass(frozen=True, slots=True)
class ImageFit:
    """The convolutions in forward order, for images of `input_size` (height, width).

    `stem`: the layers before the first block that shrink the map; `relaxed`: the fit if these had
    stride 1, None where there are none or the network cannot do without.
    """

    input_size: tuple[int, int]
    layers: tuple[LayerFit, ...]
    stem: tuple[str, ...] = ()
    relaxed: "ImageFit | None" = None

    @property
    def outgrown(self) -> str | None:
        """The first convolution whose field is larger than the image, in both directions."""
        height, width = self.input_size
        return next(
            (la.name for la in self.layers if la.size[0] > height and la.size[1] > width), None
        )

    @property
    def seeing_all(self) -> tuple[str, ...]:
        return tuple(layer.name for layer in self.layers if layer.sees_all)

    @property
    def unproductive(self) -> tuple[str, ...]:
        return tuple(layer.name for layer in self.layers if layer.unproductive)

    @property
    def mostly_padding(self) -> tuple[str, ...]:
        """The convolutions whose fields lie outside the image by more than half."""
        return tuple(layer.name for layer in self.layers if layer.padding > 0.5)


def image_fit(model: nn.Module, input_size: int | tuple[int, int]) -> ImageFit:
    """How an image of that side, or height and width, fits; raises `ProbeError` where fields cannot be followed."""
    sides = (input_size, input_size) if isinstance(input_size, int) else input_size
    seen = follow(model, None, sides).maps
    stem = _stem(model, seen)
    return ImageFit(sides, _layers(model, seen, sides), stem, _relaxed(model, stem, sides))


def _layers(
    model: nn.Module, seen: dict[str, Seen], sides: tuple[int, int]
) -> tuple[LayerFit, ...]:
    modules = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, _CONV) and name in seen
    }
    return tuple(_layer(name, modules[name], seen[name], sides) for name in seen if name in modules)


def _layer(
    name: str, conv: nn.Conv2d | nn.ConvTranspose2d, seen: Seen, sides: tuple[int, int]
) -> LayerFit:
    size, visible, all_paths, shortest = [], 1.0, [], []
    for axis, side, i in zip(seen.axes, sides, (0, 1), strict=True):
        size.append(side if axis.whole else axis.size)
        visible *= _visible(axis, seen.units[i], side)
        reach = _reach(conv, axis, i)
        all_paths.append(axis.whole or axis.size - reach >= side)
        shortest.append(axis.least - reach >= side)
    return LayerFit(name, (size[0], size[1]), 1 - visible, all(all_paths), all(shortest))


def _reach(conv: nn.Conv2d | nn.ConvTranspose2d, axis: Axis, i: int) -> Size:
    """Pixels that this convolution added to the field of its input."""
    taps = (conv.kernel_size[i] - 1) * conv.dilation[i]
    if isinstance(conv, nn.ConvTranspose2d):
        return taps // conv.stride[i] * axis.first.rate * conv.stride[i]
    return taps * axis.first.rate / conv.stride[i]


def _visible(axis: Axis, units: int, side: int) -> float:
    """The share of the fields that lies in the image, on average over the units along one axis."""
    if axis.whole:
        return 1.0
    edges = [(axis.first(i), axis.last(i)) for i in range(units)]
    return sum(max(0, min(b, side - 1) - max(a, 0) + 1) / (b - a + 1) for a, b in edges) / units


def _stem(model: nn.Module, seen: dict[str, Seen]) -> tuple[str, ...]:
    first = next(iter(blocks(model)), None)
    modules, stem = dict(model.named_modules()), []
    for name in seen:
        if first is None or name == first or name.startswith(f"{first}."):
            break
        module = modules[name]
        if isinstance(module, _WINDOW) and max(_pair(module.stride)) > 1:
            stem.append(name)
    return tuple(stem)


def _relaxed(model: nn.Module, stem: tuple[str, ...], sides: tuple[int, int]) -> ImageFit | None:
    if not stem:
        return None
    shared: dict[int, object] = {id(t): t for t in (*model.parameters(), *model.buffers())}
    gentle = copy.deepcopy(model, shared)
    for name in stem:
        module = gentle.get_submodule(name)
        if isinstance(module, _WINDOW):
            module.stride = (1, 1)
    try:
        return ImageFit(sides, _layers(gentle, follow(gentle, None, sides).maps, sides))
    except ProbeError:
        return None


def _pair(value: object) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value  # type: ignore[return-value]
