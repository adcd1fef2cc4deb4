"""What a network consists of, in the order in which it runs: shapes, parameters, multiply-adds, blocks.

Nothing is computed: the network runs on a batch of no images, whose tensors have shapes and no
numbers (30 times faster than the meta device, where Python works out the shapes). A network that
cannot do that (it looks at values, or reshapes with -1) sees one black image instead. Both happen
on a copy of the structure that shares the weights, so the model itself gets no hook. Multiply-adds
are what He et al. 2015, Table 1, calls FLOPs: those of convolutions and matrices.
"""

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

import torch
from torch import Tensor, nn

from resviz.errors import ProbeError, Sentence
from resviz.models.architectures.blocks import Block
from resviz.probes.core.hooks import resolve

_CONV = nn.Conv1d | nn.Conv2d | nn.Conv3d
_TRANSPOSED = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
_STEPS = ("Conv", "MaxPool", "AvgPool")
_RESIZES = nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d
_BLOCK = re.compile("block|bottleneck|residual", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Layer:
    """One module that ran.

    `output_shape` is without the batch, of the last run, and empty if the output holds no tensor;
    `parameters` are the module's own, with those of children that never run by themselves, so that
    all layers sum to the network's; `macs` are the multiply-adds of all its runs for one image;
    `spatial`: the output is one tensor, channels x height x width.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    macs: int
    leaf: bool
    spatial: bool


def layers(model: nn.Module, input_size: int) -> tuple[Layer, ...]:
    """Every module but the root, containers included, in the order in which they finish on a square RGB image."""
    clone = _clone(model)
    try:
        runs = _runs(clone, torch.zeros(0, 3, input_size, input_size))
    except (
        Exception
    ):  # whatever does not work without numbers; if it is the model's own fault, this line shows it
        runs = _runs(clone, torch.zeros(1, 3, input_size, input_size))
    parameters = _parameters(model, runs)
    return tuple(_layer(model, name, run, parameters[name]) for name, run in runs.items())


def blocks(model: nn.Module, input_size: int = 224) -> tuple[str, ...]:
    """Names of the blocks to look at, in order.

    Ours where the model has them; else the outermost modules whose class is called a block, a
    bottleneck or residual; else, as in AlexNet and VGG, the children of the root that give maps, a
    `Sequential` taken apart into what it holds but activations and the like.
    """
    ours = tuple(name for name, module in model.named_modules() if isinstance(module, Block))
    named = [
        name
        for name, module in model.named_modules()
        if name and _BLOCK.search(type(module).__name__)
    ]
    outermost = tuple(
        name for name in named if not any(name.startswith(f"{other}.") for other in named)
    )
    return ours or outermost or _steps(model, input_size)


def _steps(model: nn.Module, input_size: int) -> tuple[str, ...]:
    """The steps of a network without blocks."""
    found = []
    for layer in layers(model, input_size):
        parent = resolve(model, layer.name.rpartition(".")[0]) if "." in layer.name else None
        inside = isinstance(parent, nn.Sequential) and layer.name.count(".") == 1
        step = inside and (not layer.leaf or layer.kind.startswith(_STEPS))
        child = parent is None and not isinstance(
            resolve(model, layer.name), nn.Sequential | _RESIZES
        )
        if layer.spatial and (step or child):
            found.append(layer.name)
    return tuple(found)


def last_spatial(model: nn.Module, input_size: int) -> str:
    """The last block, else convolution, whose output has more than one cell: where a class map is sharpest in meaning.

    Raises `ProbeError` if there is none.
    """
    known = set(blocks(model))
    maps = [la for la in layers(model, input_size) if la.spatial and prod(la.output_shape[1:]) > 1]
    for wanted in (
        [la.name for la in maps if la.name in known],
        [la.name for la in maps if isinstance(model.get_submodule(la.name), _CONV | _TRANSPOSED)],
        [la.name for la in maps],
    ):
        if wanted:
            return wanted[-1]
    raise ProbeError(
        "no layer gives a map of more than one cell at {input_size} pixels; use a larger image",
        input_size=input_size,
    )


def check_spatial(model: nn.Module, layer: str, output: object) -> Tensor:
    """`output`, if it is the map of one image, 1 x channels x height x width; else raises `ProbeError`."""
    if isinstance(output, Tensor) and output.ndim == 4 and output.shape[0] == 1:
        return output
    found = Sentence("it gives no tensor")
    if isinstance(output, Tensor):
        found = Sentence("its shape is {shape}", shape=" x ".join(str(n) for n in output.shape[1:]))
    raise ProbeError(
        "{layer} has no spatial output ({found}); choose a convolution or a block{example}",
        layer=layer,
        found=found,
        example=_example(model),
    )


def _example(model: nn.Module) -> Sentence:
    convolutions = [
        name for name, module in model.named_modules() if name and isinstance(module, _CONV)
    ]
    ours = [name for name, module in model.named_modules() if isinstance(module, Block)]
    if not ours and not convolutions:
        return Sentence("")
    return Sentence(" such as {name}", name=(ours or convolutions)[-1])


@dataclass(slots=True)
class _Run:
    output: tuple[int, ...] = ()
    macs: int = 0
    spatial: bool = False


def _runs(model: nn.Module, x: Tensor) -> dict[str, _Run]:
    """Run once and note each module when it finishes, the last time if it runs more than once."""
    runs: dict[str, _Run] = {}

    def note(name: str, module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        run = runs[name] = runs.pop(name) if name in runs else _Run()
        if (tensor := next(_tensors(output), None)) is not None:
            run.output, run.spatial = tuple(tensor.shape[1:]), tensor is output and tensor.ndim == 4
            run.macs += _macs(module, next(_tensors(inputs), tensor), tensor)

    for name, module in model.named_modules():
        if name:
            module.register_forward_hook(partial(note, name))
    like = next((p for p in model.parameters() if p.is_floating_point()), x)
    with torch.no_grad():
        model(x.to(like))
    return runs


def _macs(module: nn.Module, x: Tensor, output: Tensor) -> int:
    """Multiply-adds of one run for one image: so many numbers, each the sum of so many products."""
    if isinstance(module, _CONV):
        return (
            prod(output.shape[1:]) * module.weight[0].numel()
        )  # a kernel: the group's inputs times the window
    if isinstance(module, _TRANSPOSED):
        return (
            prod(x.shape[1:]) * module.weight[0].numel()
        )  # what one input is spread over: outputs times the window
    return prod(output.shape[1:]) * module.in_features if isinstance(module, nn.Linear) else 0


def _clone(model: nn.Module) -> nn.Module:
    """A copy of the structure in evaluation mode that shares all tensors and has nobody's hooks."""
    clone = copy.deepcopy(model, {id(t): t for t in (*model.parameters(), *model.buffers())}).eval()
    for module in clone.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    return clone


def _parameters(model: nn.Module, runs: dict[str, _Run]) -> dict[str, int]:
    """Own parameters of each module that ran, shared ones once; those of the others go to the nearest one around."""
    counts = dict.fromkeys(runs, 0)
    for path, parameter in model.named_parameters():  # tells shared ones apart
        name = path.rpartition(".")[0]
        while name and name not in counts:
            name = name.rpartition(".")[0]
        if name:
            counts[name] += parameter.numel()
    return counts


def _layer(model: nn.Module, name: str, run: _Run, parameters: int) -> Layer:
    module = resolve(model, name)
    leaf = next(module.children(), None) is None
    return Layer(name, type(module).__name__, run.output, parameters, run.macs, leaf, run.spatial)


def _tensors(value: object) -> Iterator[Tensor]:
    """The tensors in `value`, in order, looking into tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _tensors(item)
