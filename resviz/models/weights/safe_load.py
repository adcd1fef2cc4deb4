"""From a file to named tensors: nothing in the file is run, and little more memory is used than the file is long.

`weights_only=True` keeps PyTorch from running code, not from reserving memory that a pickle asks
for, nor from inflating what a zip holds. So the pickle is read as a list of operations first: it
may name tensors and plain containers only, and claim no more elements than the file has bytes.
"""

import io
import json
import pickletools
import re
import zipfile
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import torch
from safetensors.torch import load_file
from torch import Tensor

from resviz.errors import CheckpointError, first_line

MAX_BYTES = 2**30
MAX_HEADER = 2**20  # of a safetensors file; ResNet-1202 needs 0.8 MiB
MAX_PICKLE = 2**22  # of the operations, not of the tensors; ResNet-1202 needs 1.6 MiB
SUFFIXES = (".safetensors", ".pt", ".pth", ".th")
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")

_MAGIC = 0x1950A86A20F9469CFC6C  # first object of PyTorch's files before 1.6
_HARMLESS = re.compile(
    r"collections OrderedDict|(builtins|__builtin__) (set|complex)|_codecs encode"
    r"|torch(\.cuda)? (\w+Storage|Size|device|float\d+|bfloat16|u?int\d+|q\w+|per_\w+)"
    r"|torch\._utils _rebuild_(tensor|tensor_v2|parameter|parameter_with_state)"
)
_UNUSUAL = {
    "qtensor": "quantised tensors",
    "sparse": "sparse tensors",
    "meta_tensor": "tensors without numbers",
}
_WHOLE = ("BININT", "BININT1", "BININT2", "LONG1")


def load(path: Path, *, mapped: bool = True, limit: int = MAX_BYTES) -> dict[str, Tensor]:
    """The tensors of a file by name, finite and dense; raises `CheckpointError`.

    `mapped`: float tensors stay in the file and are read when they are used. It is fast and takes
    no memory, but the file must not be written over in place as long as they live.
    """
    _check_file(path, limit)
    try:
        found = (
            _load_safetensors(path, mapped)
            if path.suffix == ".safetensors"
            else _load_torch(path, mapped)
        )
    except CheckpointError:
        raise
    except Exception as error:  # what a damaged file makes its reader say has no end
        raise CheckpointError(
            "{path} is damaged: {reason}; get or save it again.",
            path=path,
            reason=first_line(error),
        ) from None
    _check_tensors(path, found)
    return found


def metadata(path: Path) -> tuple[dict[str, object], dict[str, tuple[int, ...]]]:
    """What resviz wrote about a safetensors file, and its shapes by name; reads the header only."""
    _check_file(path, MAX_BYTES)
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > MAX_HEADER:
            raise CheckpointError(
                "{path} has a header above {limit} bytes; save it with resviz or safetensors.",
                path=path,
                limit=MAX_HEADER,
            )
        text = file.read(size)
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


def _check_file(path: Path, limit: int) -> None:
    if path.suffix == ".pt2":
        raise CheckpointError(
            "{path} is an exported program; save model.state_dict() to a .safetensors file instead.",
            path=path,
        )
    if path.suffix not in SUFFIXES:
        raise CheckpointError(
            "{path} is none of {suffixes}; save model.state_dict() to one of these.",
            path=path,
            suffixes=", ".join(SUFFIXES),
        )
    try:
        if not path.is_file():
            raise CheckpointError("There is no file {path}; check its name.", path=path)
        with path.open("rb"):
            size = path.stat().st_size
    except OSError as error:
        raise CheckpointError(
            "{path} cannot be read: {reason}; check its name and permissions.",
            path=path,
            reason=error.strerror,
        ) from None
    if not size:
        raise CheckpointError("{path} is empty; get or save it again.", path=path)
    if size > limit:
        raise CheckpointError(
            "{path} has {size:,} bytes, more than {limit:,}; save only the weights of the network.",
            path=path,
            size=size,
            limit=limit,
        )


def _load_safetensors(path: Path, mapped: bool) -> dict[str, Tensor]:
    metadata(path)  # for its limits
    return load_file(path, backend="mmap" if mapped else "pread")


def _load_torch(path: Path, mapped: bool) -> dict[str, Tensor]:
    """Always through a mapping where the format allows it: PyTorch's reader without one trusts the claimed sizes."""
    is_zip = zipfile.is_zipfile(path)
    (_check_zip if is_zip else _check_legacy)(path)
    stored = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    found = _unwrap(path, stored)
    return {name: t.clone() for name, t in found.items()} if is_zip and not mapped else found


def _unwrap(path: Path, stored: object) -> dict[str, Tensor]:
    """The state dict itself: bare, or one of the usual entries of a training checkpoint."""
    for name in WRAPPERS:
        if isinstance(stored, Mapping) and isinstance(stored.get(name), Mapping):
            stored = stored[name]
    if not isinstance(stored, Mapping):
        raise CheckpointError(
            "{path} holds no weights by name; save model.state_dict() instead.", path=path
        )
    found = {
        str(name): value.detach() for name, value in stored.items() if isinstance(value, Tensor)
    }
    if not found:
        raise CheckpointError(
            "{path} holds no tensors; save model.state_dict() instead.", path=path
        )
    return found


def _check_zip(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        if any(name.endswith("/constants.pkl") or "/code/" in name for name in names):
            raise CheckpointError(
                "{path} is TorchScript, a program; save model.state_dict() instead.", path=path
            )
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise CheckpointError(
                "{path} holds compressed entries, which PyTorch never writes; save it again.",
                path=path,
            )
        if sum(entry.file_size for entry in entries) > path.stat().st_size:
            raise CheckpointError(
                "{path} holds entries that overlap, which PyTorch never writes; save it again.",
                path=path,
            )
        pickles = [entry for entry in entries if entry.filename.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise CheckpointError(
                "{path} is a zip file without PyTorch's weights; save model.state_dict() instead.",
                path=path,
            )
        if pickles[0].file_size > MAX_PICKLE:
            raise CheckpointError(
                "{path} holds far more objects than weights; save model.state_dict() instead.",
                path=path,
            )
        _check_pickle(path, io.BytesIO(archive.read(pickles[0])))


def _check_legacy(path: Path) -> None:
    """Before PyTorch 1.6: pickles of a magic number, version, system, the object and its keys; then the bytes."""
    with path.open("rb") as stream:
        if _MAGIC not in [arg for _, arg in _operations(path, stream)]:
            raise CheckpointError(
                "{path} is no file of PyTorch's weights; save model.state_dict() with torch.save.",
                path=path,
            )
        for _ in range(4):
            _check_pickle(path, stream)


def _check_pickle(path: Path, stream: IO[bytes]) -> None:
    """Refuse one pickle that names what is no tensor, or claims more elements than the file has bytes."""
    claimed, size = 0, path.stat().st_size
    recent: deque[tuple[str, object]] = deque(maxlen=3)
    for op, arg in _operations(path, stream):
        if op == "GLOBAL" and not _HARMLESS.fullmatch(str(arg)):
            name = next(
                (word for mark, word in _UNUSUAL.items() if mark in str(arg)),
                str(arg).replace(" ", "."),
            )
            raise CheckpointError(
                "{path} holds {name}, not plain weights; save model.state_dict() in floating point.",
                path=path,
                name=name,
            )
        if op == "BINPERSID":
            claimed += _claimed_elements(path, recent)
        if "PUT" not in op:
            recent.append((op, arg))
    if claimed > size:
        raise CheckpointError(
            "{path} claims {claimed:,} numbers in {size:,} bytes; get or save it again.",
            path=path,
            claimed=claimed,
            size=size,
        )


def _claimed_elements(path: Path, recent: deque[tuple[str, object]]) -> int:
    """The count that ends a storage's name, as PyTorch writes it: a literal, perhaps None, and the tuple is closed."""
    ops = [op for op in recent if op[0] != "NONE"]
    if len(ops) < 2 or ops[-1][0] != "TUPLE" or ops[-2][0] not in _WHOLE:
        raise CheckpointError(
            "{path} names its storages in an unusual way; save it again with a current PyTorch.",
            path=path,
        )
    count = ops[-2][1]
    if not isinstance(count, int) or count < 0:
        raise CheckpointError(
            "{path} claims {count} numbers for a tensor; get or save it again.",
            path=path,
            count=count,
        )
    return count


def _operations(path: Path, stream: IO[bytes]) -> Iterator[tuple[str, object]]:
    start = stream.tell()
    for op, arg, position in pickletools.genops(stream):
        if (position or 0) - start > MAX_PICKLE:
            raise CheckpointError(
                "{path} holds far more objects than weights; save model.state_dict() instead.",
                path=path,
            )
        if op.name == "PROTO" and arg != 2:
            raise CheckpointError(
                "{path} has pickle protocol {arg}; save it with PyTorch's default, 2.",
                path=path,
                arg=arg,
            )
        yield op.name, arg


def _check_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    for name, t in tensors.items():
        if t.layout != torch.strided or t.is_quantized or t.device.type != "cpu" or t.is_complex():
            raise CheckpointError(
                "{path}: {name} is sparse, quantised or complex; save dense floating-point weights.",
                path=path,
                name=name,
            )
        if t.dtype not in (*FLOATS, torch.int64):
            kind = str(t.dtype).removeprefix("torch.")
            raise CheckpointError(
                "{path}: {name} is {kind}; save floating-point weights of 16 bits or more.",
                path=path,
                name=name,
                kind=kind,
            )
    if sum(t.numel() * t.element_size() for t in tensors.values()) > path.stat().st_size:
        raise CheckpointError(
            "{path} holds tensors that overlap; save each with .clone().", path=path
        )
    _check_finite(path, {name: t for name, t in tensors.items() if t.is_floating_point()})


def _check_finite(path: Path, tensors: dict[str, Tensor]) -> None:
    """A sum is finite only if every term is; where it is not, it may have overflowed: look closely."""
    if not tensors:
        return
    sums = torch.stack([t.sum(dtype=torch.float32) for t in tensors.values()])
    for name in [
        name for name, ok in zip(tensors, sums.isfinite().tolist(), strict=True) if not ok
    ]:
        if not tensors[name].isfinite().all():
            raise CheckpointError(
                "{path}: {name} holds NaN or infinity; take an earlier checkpoint.",
                path=path,
                name=name,
            )
