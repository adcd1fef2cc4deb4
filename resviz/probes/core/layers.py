"""What a network consists of, in the order in which it runs.

Multiply-adds are what He et al. 2015, Table 1, calls FLOPs: those of convolutions and products of
matrices.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from resviz.errors import ProbeError
from resviz.models.architectures.blocks import Block
from resviz.probes.core.clone import bare_clone
from resviz.probes.core.entry import probe
from resviz.probes.core.hooks import resolve
from resviz.probes.core.maps import cells
from resviz.probes.core.running import CONVOLUTIONS, TRANSPOSED, Run, run_once

_STEPS = ("Conv", "MaxPool", "AvgPool")
_RESIZES = nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d
_BLOCK = re.compile("block|bottleneck|residual", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Layer:
    """One module, and what it gives.

    Attributes:
        name: as `named_modules` has it; of a parameter that the network itself holds, that one's.
        kind: its class, or "Parameter".
        output_shape: without the batch, of the last run; empty if the output holds no tensor, or
            the module did not run.
        parameters: its own, with those of children that never run by themselves, so that all
            layers sum to the network's.
        macs: the multiply-adds of all its runs for one image.
        leaf: it has no modules inside.
        spatial: the output is one tensor, channels x height x width (or with the channels last).
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    macs: int
    leaf: bool
    spatial: bool


@probe
def layers(model: nn.Module, input_size: int) -> tuple[Layer, ...]:
    """List every module with its shape, parameters and multiply-adds for one image.

    A convolution makes C_out H_out W_out numbers of C_in / groups K_h K_w products each; a product
    of matrices (n, k) and (k, m) has n k m. What a fused attention kernel does between its
    projections (scores and mixing, 4 % of a ViT-B/16) is not counted, as torch's own counter does
    not see it either.

    Args:
        model: any network of pictures; it is left as it was, and nothing is computed with it that
            can be had from shapes alone.
        input_size: side of the square image, in pixels. It has as many channels as the first
            convolution takes.

    Returns:
        One `Layer` a module, containers included, in the order in which they finish. Then what
        holds parameters but did not run (auxiliary heads), and parameters that the network itself
        holds (class tokens), so that `parameters` sum to the network's.

    Raises:
        ProbeError: for a network of volumes or sequences.

    Example:
        >>> import resviz
        >>> rows = resviz.layers(resviz.load("new/residual-8").model, 32)
        >>> rows[0].name, rows[0].output_shape, rows[0].macs
        ('conv1', (16, 32, 32), 442368)

    Reference:
        He et al. 2015 (1512.03385), Table 1.
    """
    runs = run_once(bare_clone(model), (image_channels(model), input_size, input_size))
    parameters = _parameters(model, runs)
    outside = runs.pop("", None)
    ran = [_layer(model, name, run, parameters.pop(name)) for name, run in runs.items()]
    return (*ran, *_rest(model, parameters, outside))


def image_channels(model: nn.Module) -> int:
    """How many channels an image for this network has: what its first convolution takes, else 3.

    Raises `ProbeError` where that convolution goes over volumes or sequences.
    """
    first = next((m for m in model.modules() if isinstance(m, CONVOLUTIONS)), None)
    if first is None:
        return 3
    if not isinstance(first, nn.Conv2d):
        raise ProbeError(
            "this network begins with a {kind} and takes no pictures; "
            "choose one whose convolutions are two-dimensional",
            kind=type(first).__name__,
        )
    return first.in_channels


@probe
def blocks(model: nn.Module, input_size: int = 224) -> tuple[str, ...]:
    """Name the blocks to look at, in order.

    Args:
        model: any network of pictures.
        input_size: side of the square image, in pixels, which a network without blocks sees.

    Returns:
        The names of resviz's own blocks where the model has them; else of the outermost modules
        whose class is called a block, a bottleneck or residual; else, as in AlexNet and VGG, of the
        children of the root that give maps, a `Sequential` taken apart into what it holds but
        activations and the like.

    Raises:
        ProbeError: what `layers` raises, where the model has no blocks.

    Example:
        >>> import resviz
        >>> resviz.blocks(resviz.load("new/residual-8").model)
        ('layer1.0', 'layer2.0', 'layer3.0')

    Reference:
        He et al. 2015 (1512.03385), section 3.2: building blocks.
    """
    named = [(name, module) for name, module in model.named_modules() if name]
    ours = tuple(name for name, module in named if isinstance(module, Block))
    called = [name for name, module in named if _BLOCK.search(type(module).__name__)]
    outermost = tuple(name for name in called if not _lies_in(name, called))
    return ours or outermost or tuple(_steps(model, input_size))


def _lies_in(name: str, others: list[str]) -> bool:
    return any(name.startswith(f"{other}.") for other in others)


def _steps(model: nn.Module, input_size: int) -> Iterator[str]:
    """The steps of a network without blocks."""
    for layer in layers(model, input_size):
        if layer.spatial and _is_step(model, layer):
            yield layer.name


def _is_step(model: nn.Module, layer: Layer) -> bool:
    parent = layer.name.rpartition(".")[0]
    if not parent:
        return not isinstance(resolve(model, layer.name), nn.Sequential | _RESIZES)
    inside = isinstance(resolve(model, parent), nn.Sequential) and layer.name.count(".") == 1
    return inside and (not layer.leaf or layer.kind.startswith(_STEPS))


def last_spatial(model: nn.Module, input_size: int) -> str:
    """The last block, else convolution, whose output has more than one cell.

    There a class map is sharpest in meaning. Raises `ProbeError` if there is none.
    """
    maps = [layer.name for layer in layers(model, input_size) if _has_cells(layer, input_size)]
    known = set(blocks(model, input_size))
    convolutions = CONVOLUTIONS | TRANSPOSED
    for names in (
        [name for name in maps if name in known],
        [name for name in maps if isinstance(resolve(model, name), convolutions)],
        maps,
    ):
        if names:
            return names[-1]
    raise ProbeError(
        "no layer gives a map of more than one cell at {input_size} pixels; use a larger image",
        input_size=input_size,
    )


def _has_cells(layer: Layer, side: int) -> bool:
    return layer.spatial and cells(layer.output_shape, (side, side)) > 1


def _parameters(model: nn.Module, runs: dict[str, Run]) -> dict[str, int]:
    """Parameters of each module that ran; those of others go to the nearest one around that did.

    Where none did, to the outermost one that holds them, or to the network itself.
    """
    counts = dict.fromkeys((name for name in runs if name), 0)
    for path, parameter in model.named_parameters():  # tells shared ones apart
        around = [path[:i] for i, letter in enumerate(path) if letter == "."]
        name = next((name for name in reversed(around) if name in runs), (*around, path)[0])
        counts[name] = counts.get(name, 0) + parameter.numel()
    return counts


def _layer(model: nn.Module, name: str, run: Run, parameters: int) -> Layer:
    module = resolve(model, name)
    leaf = next(module.children(), None) is None
    return Layer(name, type(module).__name__, run.output, parameters, run.macs, leaf, run.is_map)


def _rest(model: nn.Module, parameters: dict[str, int], outside: Run | None) -> Iterator[Layer]:
    """What did not run but holds parameters, and what the network itself holds or multiplies."""
    direct = dict(model.named_parameters(recurse=False))
    for name, count in parameters.items():
        if name in direct:
            yield Layer(name, "Parameter", tuple(direct[name].shape), count, 0, True, False)
        else:
            yield _layer(model, name, Run(), count)
    if outside is not None:
        yield Layer("", type(model).__name__, (), 0, outside.macs, False, False)
