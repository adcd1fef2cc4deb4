"""From a file to named tensors; nothing in the file is run.

Little more memory is used than the file is long: `pickle_check` refuses what claims more, and all
sizes are checked before anything is read.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from resviz.errors import CheckpointError, first_line
from resviz.models.weights.pickle_check import MAX_PICKLE, check_legacy, check_zip

__all__ = [
    "MAX_BYTES",
    "MAX_PICKLE",
    "SUFFIXES",
    "checked",
    "is_safetensors",
    "is_weights",
    "load",
    "metadata",
    "read",
]

Tensors = dict[str, Tensor]

MAX_BYTES = 2**30
MAX_HEADER = 2**20  # of a safetensors file; ResNet-1202 needs 0.8 MiB
SUFFIXES = (".safetensors", ".pt", ".pth", ".th", ".ckpt", ".pth.tar")
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def is_weights(path: Path) -> bool:
    """Whether the name of a file is that of weights, in upper or lower case."""
    return path.name.lower().endswith(SUFFIXES)


def is_safetensors(path: Path) -> bool:
    """Whether the name of a file is that of safetensors."""
    return path.suffix.lower() == ".safetensors"


def load(path: Path, *, mapped: bool = True, limit: int = MAX_BYTES) -> Tensors:
    """The tensors of a file by name, finite and dense; raises `CheckpointError`.

    `mapped`: float tensors stay in the file and are read when they are used. It is fast and takes
    no memory, but the file must not be written over in place as long as they live.
    """
    return checked(path, read(path, mapped=mapped, limit=limit), mapped=mapped)


def read(path: Path, *, mapped: bool = True, limit: int = MAX_BYTES) -> Tensors:
    """The tensors of a file as they are stored, of which some are then `checked`."""
    _check_file(path, limit)
    try:
        return _load_safetensors(path, mapped) if is_safetensors(path) else _load_torch(path)
    except CheckpointError:
        raise
    except Exception as error:  # what a damaged file makes its reader say has no end
        raise CheckpointError(
            "{path} is damaged: {reason}; get or save it again.",
            path=path,
            reason=first_line(error),
        ) from None


def checked(path: Path, tensors: Tensors, *, mapped: bool = True) -> Tensors:
    """These tensors of the file, if they are finite and dense, in memory unless `mapped`."""
    _check_tensors(path, tensors)
    if mapped or is_safetensors(path):
        return tensors
    return {name: t.clone() for name, t in tensors.items()}


def metadata(path: Path) -> tuple[dict[str, object], dict[str, tuple[int, ...]]]:
    """What resviz wrote about a safetensors file, and its shapes by name; reads the header only."""
    _check_file(path, MAX_BYTES)
    text = _header(path)
    try:
        header = json.loads(text)
        meta = json.loads(header.pop("__metadata__", {}).get("resviz", "{}"))
        if not isinstance(meta, dict):
            raise TypeError(f"its metadata is {type(meta).__name__}, not an object")
        return meta, {name: tuple(map(int, entry["shape"])) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            "{path} has a damaged header: {reason}; get or save it again.",
            path=path,
            reason=first_line(error),
        ) from None


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > MAX_HEADER:
            raise CheckpointError(
                "{path} has a header above {limit} bytes; save it with resviz or safetensors.",
                path=path,
                limit=MAX_HEADER,
            )
        return file.read(size)


def _check_file(path: Path, limit: int) -> None:
    _check_name(path)
    size = _size(path)
    if not size:
        raise CheckpointError("{path} is empty; get or save it again.", path=path)
    if size > limit:
        raise CheckpointError(
            "{path} has {size:,} bytes, more than {limit:,}; save only the weights of the network.",
            path=path,
            size=size,
            limit=limit,
        )


def _check_name(path: Path) -> None:
    if path.suffix == ".pt2":
        raise CheckpointError(
            "{path} is an exported program; save model.state_dict() to a .safetensors file.",
            path=path,
        )
    if not is_weights(path):
        raise CheckpointError(
            "{path} is none of {suffixes}; save model.state_dict() to one of these.",
            path=path,
            suffixes=", ".join(SUFFIXES),
        )


def _size(path: Path) -> int:
    """Bytes of a file that can be opened."""
    try:
        if not path.is_file():
            raise CheckpointError("There is no file {path}; check its name.", path=path)
        with path.open("rb"):
            return path.stat().st_size
    except OSError as error:
        raise CheckpointError(
            "{path} cannot be read: {reason}; check its name and permissions.",
            path=path,
            reason=error.strerror,
        ) from None


def _load_safetensors(path: Path, mapped: bool) -> Tensors:
    metadata(path)  # for its limits
    return load_file(path, backend="mmap" if mapped else "pread")


def _load_torch(path: Path) -> Tensors:
    """Read a zip through a mapping: PyTorch's reader without one trusts the claimed sizes."""
    is_zip = zipfile.is_zipfile(path)
    (check_zip if is_zip else check_legacy)(path)
    stored = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    return _named_tensors(path, stored)


def _named_tensors(path: Path, stored: object) -> Tensors:
    """A state dict bare, or the ones inside a training checkpoint, named by where they lie."""
    if not isinstance(stored, Mapping):
        raise CheckpointError(
            "{path} holds no weights by name; save model.state_dict() instead.", path=path
        )
    groups = dict(_groups(stored))
    weights = {place: group for place, group in groups.items() if _has_kernels(group)} or groups
    if not weights:
        raise CheckpointError(
            "{path} holds no tensors; save model.state_dict() instead.", path=path
        )
    if len(weights) == 1:
        return next(iter(weights.values()))
    return {place + name: t for place, group in weights.items() for name, t in group.items()}


def _groups(stored: Mapping[object, object], place: str = "") -> Iterator[tuple[str, Tensors]]:
    """Each mapping that holds tensors by name; an optimizer counts its own by numbers."""
    named = {name: value for name, value in stored.items() if isinstance(name, str)}
    tensors = {name: t.detach() for name, t in named.items() if isinstance(t, Tensor)}
    if tensors:
        yield place, tensors
    for name, value in named.items():
        if isinstance(value, Mapping):
            yield from _groups(value, f"{place}{name}.")


def _has_kernels(tensors: Tensors) -> bool:
    return any(t.ndim > 1 for t in tensors.values())


def _check_tensors(path: Path, tensors: Tensors) -> None:
    for name, t in tensors.items():
        _check_tensor(path, name, t)
    if sum(t.numel() * t.element_size() for t in tensors.values()) > path.stat().st_size:
        raise CheckpointError(
            "{path} holds tensors that overlap; save each with .clone().", path=path
        )
    _check_finite(path, {name: t for name, t in tensors.items() if t.is_floating_point()})


def _check_tensor(path: Path, name: str, t: Tensor) -> None:
    if t.layout != torch.strided or t.is_quantized or t.device.type != "cpu" or t.is_complex():
        raise CheckpointError(
            "{path}: {name} is sparse, quantised or complex; save dense floating-point weights.",
            path=path,
            name=name,
        )
    if t.dtype not in (*FLOATS, torch.int64):
        raise CheckpointError(
            "{path}: {name} is {kind}; save floating-point weights of 16 bits or more.",
            path=path,
            name=name,
            kind=str(t.dtype).removeprefix("torch."),
        )


def _check_finite(path: Path, tensors: Tensors) -> None:
    """A sum is finite only if every term is; one that is not may also have overflowed."""
    if not tensors:
        return
    sums = torch.stack([t.sum(dtype=torch.float32) for t in tensors.values()])
    finite = dict(zip(tensors, sums.isfinite().tolist(), strict=True))
    for name in (name for name, fine in finite.items() if not fine):
        if not tensors[name].isfinite().all():
            raise CheckpointError(
                "{path}: {name} holds NaN or infinity; take an earlier checkpoint.",
                path=path,
                name=name,
            )
