"""The operations of a pickle, read before PyTorch may carry them out.

`weights_only=True` keeps PyTorch from running code, not from reserving memory that a pickle asks
for, nor from inflating what a zip holds. So the pickle is read as a list of operations first: it
may name tensors and plain containers only, and claim no more elements than the file has bytes.
"""

import io
import pickletools
import re
import zipfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from resviz.errors import CheckpointError

MAX_PICKLE = 2**22  # of the operations, not of the tensors; ResNet-1202 needs 1.6 MiB

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


def check_zip(path: Path) -> None:
    """Refuse a zip that is no file of PyTorch's weights, or whose entries are packed or overlap."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        _check_entries(path, entries)
        pickles = [entry for entry in entries if entry.filename.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise CheckpointError(
                "{path} is a zip file without PyTorch's weights; save model.state_dict() instead.",
                path=path,
            )
        if pickles[0].file_size > MAX_PICKLE:
            raise _too_many_objects(path)
        _check_pickle(path, io.BytesIO(archive.read(pickles[0])))


def check_legacy(path: Path) -> None:
    """Refuse what no PyTorch before 1.6 wrote.

    Such a file holds pickles of a magic number, a version, the system, the object and its keys, and
    then the bytes.
    """
    with path.open("rb") as stream:
        if _MAGIC not in [arg for _, arg in _operations(path, stream)]:
            raise CheckpointError(
                "{path} is no file of PyTorch's weights; save model.state_dict() with torch.save.",
                path=path,
            )
        for _ in range(4):
            _check_pickle(path, stream)


def _check_entries(path: Path, entries: list[zipfile.ZipInfo]) -> None:
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


def _check_pickle(path: Path, stream: IO[bytes]) -> None:
    """Refuse one pickle that names what is no tensor, or claims more elements than there are."""
    claimed, size = 0, path.stat().st_size
    recent: deque[tuple[str, object]] = deque(maxlen=3)
    for op, arg in _operations(path, stream):
        if op == "GLOBAL" and not _HARMLESS.fullmatch(str(arg)):
            raise CheckpointError(
                "{path} holds {name}, not plain weights; save model.state_dict() as floats.",
                path=path,
                name=_common_name(str(arg)),
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


def _common_name(target: str) -> str:
    """What a class or function in a pickle is, in words where it is a kind of tensor."""
    kinds = [kind for mark, kind in _UNUSUAL.items() if mark in target]
    return kinds[0] if kinds else target.replace(" ", ".")


def _claimed_elements(path: Path, recent: deque[tuple[str, object]]) -> int:
    """The count that ends a storage's name: a literal, perhaps None, then the tuple is closed."""
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
            raise _too_many_objects(path)
        if op.name == "PROTO" and arg != 2:
            raise CheckpointError(
                "{path} has pickle protocol {arg}; save it with PyTorch's default, 2.",
                path=path,
                arg=arg,
            )
        yield op.name, arg


def _too_many_objects(path: Path) -> CheckpointError:
    return CheckpointError(
        "{path} holds far more objects than weights; save model.state_dict() instead.", path=path
    )
