"""Whether an image fits a network: fields that outgrow it, padding, and a gentler stem.

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
from resviz.probes.receptive_field.follow import follow
from resviz.probes.receptive_field.tracing import Fields

_CONV = nn.Conv2d | nn.ConvTranspose2d
_WINDOW = nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d


@dataclass(frozen=True, slots=True)
class LayerFit:
    """One convolution.

    Attributes:
        name: Of the layer.
        size: Height and width of its units' fields, in pixels.
        padding: The share of them outside the image, on average over the units.
        sees_all: Its input sees the whole image along all paths together.
        unproductive: It does so even along the shortest path alone.
    """

    name: str
    size: tuple[int, int]
    padding: float
    sees_all: bool
    unproductive: bool


@dataclass(frozen=True, slots=True)
class ImageFit:
    """The convolutions of a network in forward order.

    Attributes:
        input_size: Height and width of the image.
        layers: The convolutions.
        stem: The layers before the first block that shrink the map.
        relaxed: The fit if these had stride 1; None where there are none, or the network cannot
            do without.
    """

    input_size: tuple[int, int]
    layers: tuple[LayerFit, ...]
    stem: tuple[str, ...] = ()
    relaxed: "ImageFit | None" = None

    @property
    def outgrown(self) -> str | None:
        """The first convolution whose field is larger than the image, in both directions."""
        height, width = self.input_size
        larger = (
            layer.name for layer in self.layers if layer.size[0] > height and layer.size[1] > width
        )
        return next(larger, None)

    @property
    def seeing_all(self) -> tuple[str, ...]:
        """The convolutions that have no wider context to add."""
        return tuple(layer.name for layer in self.layers if layer.sees_all)

    @property
    def unproductive(self) -> tuple[str, ...]:
        """Those that have none even along the shortest path."""
        return tuple(layer.name for layer in self.layers if layer.unproductive)

    @property
    def mostly_padding(self) -> tuple[str, ...]:
        """The convolutions whose fields lie outside the image by more than half."""
        return tuple(layer.name for layer in self.layers if layer.padding > 0.5)


def image_fit(model: nn.Module, input_size: int | tuple[int, int]) -> ImageFit:
    """How an image of that side, or height and width, fits.

    Raises `ProbeError` where fields cannot be followed.

    Example:
        >>> net = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(3)))
        >>> fit = image_fit(net, 5)
        >>> fit.outgrown, fit.seeing_all
        ('2', ('2',))
    """
    sides = (input_size, input_size) if isinstance(input_size, int) else input_size
    maps = follow(model, None, sides).maps
    stem = _stem(model, maps)
    return ImageFit(sides, _layers(model, maps, sides), stem, _relaxed(model, stem, sides))


def _layers(
    model: nn.Module, maps: dict[str, Fields], sides: tuple[int, int]
) -> tuple[LayerFit, ...]:
    """The convolutions among the maps."""
    modules = dict(model.named_modules())
    return tuple(
        _layer(name, module, fields, sides)
        for name, fields in maps.items()
        if isinstance(module := modules[name], _CONV)
    )


def _layer(
    name: str, conv: nn.Conv2d | nn.ConvTranspose2d, fields: Fields, sides: tuple[int, int]
) -> LayerFit:
    """One convolution."""
    size, all_paths, shortest = [], [], []
    visible = 1.0
    for i, (axis, side) in enumerate(zip(fields.axes, sides, strict=True)):
        # what comes through a gate is no context that a convolution could have added
        whole = axis.whole and not axis.gated
        size.append(side if whole else axis.size)
        visible *= _visible(axis, fields.units[i], side)
        added = _added(conv, axis, i)
        all_paths.append(whole or axis.size - added >= side)
        shortest.append(axis.least - added >= side)
    return LayerFit(name, (size[0], size[1]), 1 - visible, all(all_paths), all(shortest))


def _added(conv: nn.Conv2d | nn.ConvTranspose2d, axis: Axis, i: int) -> Size:
    """Pixels that this convolution added to the field of its input."""
    reach, stride = (conv.kernel_size[i] - 1) * conv.dilation[i], conv.stride[i]
    if isinstance(conv, nn.ConvTranspose2d):
        return reach // stride * axis.first.rate * stride
    return reach * axis.first.rate / stride


def _visible(axis: Axis, units: int, side: int) -> float:
    """The share of the fields that lies in the image, on average over the units along one axis."""
    if axis.whole and not axis.gated:
        return 1.0
    shares = []
    for unit in range(units):
        first, last = axis.first(unit), axis.last(unit)
        inside = max(0, min(last, side - 1) - max(first, 0) + 1)
        shares.append(inside / (last - first + 1))
    return sum(shares) / units


def _stem(model: nn.Module, maps: dict[str, Fields]) -> tuple[str, ...]:
    """The layers before the first block that shrink the map."""
    first = next(iter(blocks(model)), None)
    modules, stem = dict(model.named_modules()), []
    for name in maps:
        if first is None or name == first or name.startswith(f"{first}."):
            break
        module = modules[name]
        if isinstance(module, _WINDOW) and max(_pair(module.stride)) > 1:
            stem.append(name)
    return tuple(stem)


def _relaxed(model: nn.Module, stem: tuple[str, ...], sides: tuple[int, int]) -> ImageFit | None:
    """The fit if the stem had stride 1, on a copy that shares the weights."""
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
    """A setting along height and along width."""
    return (value, value) if isinstance(value, int) else value  # type: ignore[return-value]
