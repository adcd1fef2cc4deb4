"""Reading and writing weights safely: a file becomes a network, or one sentence says why not."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from resviz.errors import CheckpointError, Sentence, SpecError
from resviz.files import atomic_write
from resviz.models.architectures.resnet import ResNet, skeleton
from resviz.models.spec import ModelSpec
from resviz.models.weights import networks, safe_load
from resviz.models.weights.identify import (
    BOTTLENECK_STRIDES,
    GROUPS,
    STRIDES,
    TWIN,
    listed,
    spec_values,
)

ASK = Sentence("name it with file/PATH?family=...&depth=...")
PYTHON = Sentence("from Python, resviz.layers(model, size) looks into any network")
HEADLESS = Sentence("?head=none opens it without its classifier")
STATISTICS = Sentence(
    "The file has no running mean and variance: 0 and 1 stand in, and its answers are not those of "
    "the trained network until they are measured again (BatchNorm, recalibrated)."
)
TAKEN_FOR_GRANTED = ("stride_in_1x1", "dilation", "activation")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A network with its weights, in eval mode."""

    spec: ModelSpec
    model: ResNet
    meta: Mapping[str, object]  # what resviz wrote beside them
    notes: tuple[Sentence, ...] = ()  # what was assumed
    granted: Sentence | None = None  # what no weights tell, where they alone told the network


@dataclass(frozen=True, slots=True)
class _Identified:
    spec: ModelSpec
    notes: tuple[Sentence, ...] = ()
    guessed: bool = False


def save(path: Path, model: nn.Module, meta: Mapping[str, object]) -> None:
    """Write `model` as safetensors, `meta` in its header, kernels and matrices in half precision.

    Vectors (gamma, beta, running statistics, biases) stay in float32: they are small, and half a
    precision of a running variance would show. The file is complete or absent.
    """
    tensors = {
        name: (t.half() if t.ndim > 1 else t).detach().cpu().contiguous()
        for name, t in model.state_dict().items()
    }
    write(path, tensors, meta)


def write(path: Path, tensors: Mapping[str, Tensor], meta: Mapping[str, object]) -> None:
    """Write a safetensors file, complete or absent whatever happens meanwhile."""
    with atomic_write(path) as beside:
        save_file(dict(tensors), beside, {"resviz": json.dumps(meta)})


def read(
    path: Path,
    spec: ModelSpec | None = None,
    *,
    options: Mapping[str, str] | None = None,
    mapped: bool = True,
) -> Checkpoint:
    """The network in a file, its weights float32 and strictly fitting; raises `CheckpointError`.

    The network is `spec`, or what resviz wrote into the file, or what names and shapes tell, in
    this order; `options` (as in `ModelSpec.parse`, with `family` and `depth`) then replace single
    values, and `weights` chooses one of several networks in the file. `mapped` is explained in
    `safe_load.load`: False for a file that others may write over.
    """
    options = dict(options or {})
    network = _picked(path, options, mapped)
    tensors = safe_load.checked(path, network.tensors, mapped=mapped)
    meta = safe_load.metadata(path)[0] if safe_load.is_safetensors(path) else {}
    options.pop("weights", None)
    shapes = {name: tuple(t.shape) for name, t in tensors.items()}
    if spec is not None and not options:
        identified = _Identified(spec)
    else:
        identified = _identified(path, shapes, network.head, meta, options, spec)
    filled, more = _with_statistics(identified.spec, tensors)
    model = _filled(path, identified, filled)
    granted = _granted(identified.spec, options) if identified.guessed else None
    found_notes = network.notes if identified.guessed else ()
    return Checkpoint(
        identified.spec, model, meta, (*found_notes, *identified.notes, *more), granted
    )


def as_float32(t: Tensor) -> Tensor:
    """Numbers as contiguous float32, without copying what already is; counters as they are."""
    return t.to(torch.float32).contiguous() if t.is_floating_point() else t.contiguous()


def _picked(path: Path, options: Mapping[str, str], mapped: bool) -> networks.Network:
    """The network that the file holds, or the one of several that was asked for."""
    stored = safe_load.read(path, mapped=mapped)
    try:
        return networks.pick(stored, options.get("weights"), options.get("head"))
    except CheckpointError as error:
        raise CheckpointError("{path}: {error}.", path=path, error=error) from None


def _identified(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    head: str,
    meta: Mapping[str, object],
    options: Mapping[str, str],
    spec: ModelSpec | None,
) -> _Identified:
    written = spec.as_dict() if spec else meta.get("spec")
    # who names family and depth does not believe what the file says of itself
    if isinstance(written, dict) and (spec or not {"family", "depth"} <= options.keys()):
        return _Identified(_valid(path, {**written, **options}, ASK))
    try:
        values, notes = spec_values(shapes, head)
    except CheckpointError as error:
        if "depth" not in options:
            raise _unknown(path, error, shapes) from None
        values, notes = {}, ()
    applying = tuple(note for note in notes if not _is_answered(note, options))
    return _Identified(_valid(path, {**values, **options}, PYTHON), applying, guessed=True)


def _is_answered(note: Sentence, options: Mapping[str, str]) -> bool:
    return (note == TWIN and "family" in options) or (note == GROUPS and "norm" in options)


def _unknown(path: Path, reason: CheckpointError, shapes: Mapping[str, object]) -> CheckpointError:
    """A refusal with a way out that leads on: what stands behind the stages can be left out."""
    has_stages = "conv1.weight" in shapes and "layer1.0.conv1.weight" in shapes
    headless = has_stages and str(reason).startswith("fc.")
    return CheckpointError(
        "{path} fits no network that resviz builds ({reason}); {way_out}.",
        path=path,
        reason=reason,
        way_out=HEADLESS if headless else PYTHON,
    )


def _granted(spec: ModelSpec, options: Mapping[str, str]) -> Sentence | None:
    """What was taken for granted, unless the name says one of it."""
    if any(name in options for name in TAKEN_FOR_GRANTED):
        return None
    return BOTTLENECK_STRIDES if spec.block == "bottleneck" else STRIDES


def _valid(path: Path, values: dict[str, object], way_out: Sentence) -> ModelSpec:
    try:
        return ModelSpec.from_dict(values)
    except SpecError as error:
        raise CheckpointError(
            "{path} fits no network that resviz builds ({error}); {way_out}.",
            path=path,
            error=error,
            way_out=way_out,
        ) from None


def _with_statistics(
    spec: ModelSpec, tensors: Mapping[str, Tensor]
) -> tuple[Mapping[str, Tensor], tuple[Sentence, ...]]:
    """Where BatchNorm was asked for and the file has no statistics at all, the initial ones."""
    if spec.norm != "batch" or any(name.endswith("running_mean") for name in tensors):
        return tensors, ()
    wanted = skeleton(spec).named_buffers()
    missing = {
        name: (torch.zeros if name.endswith("mean") else torch.ones)(t.shape)
        for name, t in wanted
        if t.is_floating_point() and name not in tensors
    }
    return {**tensors, **missing}, (STATISTICS,)


def _filled(path: Path, identified: _Identified, tensors: Mapping[str, Tensor]) -> ResNet:
    model = skeleton(identified.spec)
    wanted = model.state_dict()
    misfits = list(_misfits(wanted, tensors))
    if misfits:
        raise _misfit(path, identified, misfits)
    fitting = {name: as_float32(t) for name, t in tensors.items() if name in wanted}
    model.load_state_dict(fitting, assign=True)
    return model


def _misfit(path: Path, identified: _Identified, misfits: list[Sentence]) -> CheckpointError:
    count = len(misfits) - 3
    more = Sentence(" and {count} more", count=count) if count > 0 else ""
    return CheckpointError(
        "{path} does not fit {spec}: {misfits}{more}; {way_out}.",
        path=path,
        spec=identified.spec,
        misfits=reduce(lambda a, b: Sentence("{first}, {then}", first=a, then=b), misfits[:3]),
        more=more,
        way_out=PYTHON if identified.guessed else ASK,
    )


def _misfits(wanted: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> Iterator[Sentence]:
    """What is wrong, one phrase each; counters may be missing or too many (old files lack them)."""
    for name in dict.fromkeys([*wanted, *stored]):
        if name.rpartition(".")[2] in networks.COUNTERS and (name in stored) != (name in wanted):
            continue
        if name not in wanted:
            yield Sentence("{name} is unknown", name=name)
        elif name not in stored:
            yield Sentence("{name} is missing", name=name)
        else:
            yield from _unfit(name, wanted[name], stored[name])


def _unfit(name: str, wanted: Tensor, stored: Tensor) -> Iterator[Sentence]:
    if stored.shape != wanted.shape:
        yield Sentence(
            "{name} is {shape} where {needed} is needed",
            name=name,
            shape=listed(stored.shape),
            needed=listed(wanted.shape),
        )
    elif wanted.is_floating_point() and not stored.is_floating_point():
        yield Sentence("{name} holds whole numbers", name=name)
