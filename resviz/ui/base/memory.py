"""How much memory models and results may take, and how much they do.

The budget is a share of the machine's memory, or of the container's; `RESVIZ_MEMORY` sets another
one, as `2G`, `1500M` or a number of bytes.
"""

import dataclasses
import os
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

SHARE = 4  # a quarter: the work itself, trainings and other programs need the rest
ONE_NETWORK = 4  # and a quarter of that for a network that an address names
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container


def budget() -> int:
    """Return how many bytes models and results may take together."""
    setting = os.environ.get("RESVIZ_MEMORY", "")
    match = re.fullmatch(r"(\d{1,15})\s*([KMGT]?)B?", setting.strip().upper())
    return int(match[1]) * _UNITS[match[2]] if match else _of_machine() // SHARE


@cache
def _of_machine() -> int:
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(physical, int(_LIMIT.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit
        return physical


def size_of(result: object) -> int:
    """Count the bytes of arrays, tensors, pictures and texts in a result, each object once."""
    return _size(result, set())


def _size(item: Any, seen: set[int]) -> int:
    if id(item) in seen or isinstance(item, type):  # a class costs the result nothing
        return 0
    seen.add(id(item))
    if isinstance(item, str | bytes | bytearray):
        return len(item)
    if isinstance(nbytes := getattr(item, "nbytes", None), int):
        return _of_tensor(item, seen) if hasattr(item, "data_ptr") else nbytes
    if hasattr(item, "getbands"):  # a picture of Pillow
        return int(item.width * item.height * len(item.getbands()))
    if hasattr(item, "state_dict"):  # a network
        return sum(_size(tensor, seen) for tensor in item.state_dict(keep_vars=True).values())
    return sys.getsizeof(item) + sum(_size(part, seen) for part in _parts(item))


def _of_tensor(tensor: Any, seen: set[int]) -> int:
    """Clones of a network share their weights."""
    place = tensor.data_ptr()
    if not place or place in seen:
        return 0
    seen.add(place)
    return int(tensor.nbytes)


def _parts(item: Any) -> list[Any]:
    if isinstance(item, Mapping):
        return [*item.keys(), *item.values()]
    if isinstance(item, list | tuple | set | frozenset):
        return list(item)
    if dataclasses.is_dataclass(item):
        return [getattr(item, field.name) for field in dataclasses.fields(item)]
    if item.__class__.__module__.startswith(("resviz.", "collections", "queue")):
        return list(getattr(item, "__dict__", {}).values())
    return []
