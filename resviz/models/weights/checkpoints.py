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
from resviz.models.weights import safe_load
from resviz.models.weights.identify import COUNTERS, TWIN, listed, spec_values, usual_names

ASK = Sentence("name it with file/PATH?family=...&depth=...")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A network with its weights, in eval mode; `meta` is what resviz wrote beside them, `notes` what was assumed."""

    spec: ModelSpec
    model: ResNet
    meta: Mapping[str, object]
    notes: tuple[Sentence, ...] = ()


def save(path: Path, model: nn.Module, meta: Mapping[str, object]) -> None:
    """Write `model` as safetensors with `meta` in its header, kernels and matrices in half precision.

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
    values. `mapped` is explained in `weightfile.load`: False for a file that others may write over.
    """
    tensors = usual_names(safe_load.load(path, mapped=mapped))
    meta = safe_load.metadata(path)[0] if path.suffix == ".safetensors" else {}
    notes: tuple[Sentence, ...] = ()
    if spec is None or options:
        spec, notes = _spec_of(
            path, {name: tuple(t.shape) for name, t in tensors.items()}, meta, options or {}, spec
        )
    return Checkpoint(spec, _filled(path, spec, tensors), meta, notes)


def as_float32(t: Tensor) -> Tensor:
    """Floating-point numbers as contiguous float32, without copying what already is; counters as they are."""
    return t.to(torch.float32).contiguous() if t.is_floating_point() else t.contiguous()


def _spec_of(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    meta: Mapping[str, object],
    options: Mapping[str, str],
    spec: ModelSpec | None,
) -> tuple[ModelSpec, tuple[Sentence, ...]]:
    values: dict[str, object] = {}
    notes: tuple[Sentence, ...] = ()
    try:
        if spec is not None:
            values.update(spec.as_dict())
        elif isinstance(written := meta.get("spec"), dict):
            values.update(written)
        else:
            found, notes = spec_values(shapes)
            values.update(found)
    except CheckpointError as error:
        if "depth" not in options:
            raise CheckpointError(
                "{path} fits no network that resviz builds ({error}); {ask}.",
                path=path,
                error=error,
                ask=ASK,
            ) from None
    return _valid(path, {**values, **options}), tuple(
        n for n in notes if n != TWIN or "family" not in options
    )


def _valid(path: Path, values: dict[str, object]) -> ModelSpec:
    try:
        return ModelSpec.from_dict(values)
    except (SpecError, TypeError) as error:  # a file may name options that no spec has
        raise CheckpointError(
            "{path} fits no network that resviz builds ({error}); {ask}.",
            path=path,
            error=error,
            ask=ASK,
        ) from None


def _filled(path: Path, spec: ModelSpec, tensors: Mapping[str, Tensor]) -> ResNet:
    model = skeleton(spec)
    wanted = model.state_dict()
    misfits = list(_misfits(wanted, tensors))
    if misfits:
        more = Sentence(" and {count} more", count=len(misfits) - 3) if len(misfits) > 3 else ""
        raise CheckpointError(
            "{path} does not fit {spec}: {misfits}{more}; {ask}.",
            path=path,
            spec=spec,
            misfits=reduce(lambda a, b: Sentence("{first}, {then}", first=a, then=b), misfits[:3]),
            more=more,
            ask=ASK,
        )
    model.load_state_dict(
        {name: as_float32(t) for name, t in tensors.items() if name in wanted}, assign=True
    )
    return model


def _misfits(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Iterator[Sentence]:
    """What is wrong, one phrase each; counters may be missing or too many (old files lack them)."""
    for name in [*wanted, *(name for name in found if name not in wanted)]:
        counts = name.rpartition(".")[2] in COUNTERS
        if name not in found or name not in wanted:
            if not counts:
                unknown, missing = (
                    Sentence("{name} is unknown", name=name),
                    Sentence("{name} is missing", name=name),
                )
                yield unknown if name in found else missing
        elif found[name].shape != wanted[name].shape:
            shapes = {"shape": listed(found[name].shape), "needed": listed(wanted[name].shape)}
            yield Sentence("{name} is {shape} where {needed} is needed", name=name, **shapes)
        elif not counts and not found[name].is_floating_point():
            yield Sentence("{name} holds whole numbers", name=name)
