"""What may stand in an address, read with bounds: whole numbers, numbers, names.

An address comes from anywhere. Each value is read by one of these, which give what is inside the
bounds and leave everything else out; none of them raises.
"""

import math
import re
from collections.abc import Collection, Mapping

LONGEST = 2000  # characters of a value; a hundred runs by name fit in
DIGITS = 9  # of a whole number: what counts cells, pixels or layers has fewer
_KEY = re.compile(r"[a-z_]{1,32}")
_WHOLE = re.compile(rf"[0-9]{{1,{DIGITS}}}")  # no signs, no digits of other scripts


def readable(address: Mapping[str, str]) -> dict[str, str]:
    """Keep what an address of ours may have: short keys and values without controls."""
    return {
        key: value
        for key, value in address.items()
        if _KEY.fullmatch(key) and len(value) <= LONGEST and value.isprintable()
    }


def whole_number(text: str | None, low: int, high: int) -> int | None:
    """Read a whole number from `low` to `high`."""
    if text is None or not _WHOLE.fullmatch(text):
        return None
    return int(text) if low <= int(text) <= high else None


def number(text: str | None, low: float, high: float) -> float | None:
    """Read a finite number from `low` to `high`."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and low <= value <= high else None


def groups(text: str | None, size: int, high: int, most: int) -> list[tuple[int, ...]]:
    """Read at most `most` groups of whole numbers up to `high`: `1,2;3,4`.

    What is no group of `size` numbers is left out.

    Example:
        >>> groups("1,2;3;x,y;4,5", size=2, high=9, most=5)
        [(1, 2), (4, 5)]
    """
    complete = []
    for part in (text or "").split(";"):
        numbers = [whole_number(piece, 0, high) for piece in part.split(",")]
        if len(numbers) == size and None not in numbers:
            complete.append(tuple(value for value in numbers if value is not None))
    return complete[:most]


def names(text: str | None, known: Collection[str]) -> list[str]:
    """Read those of `known` that are named, parted by commas, each once."""
    return [name for name in dict.fromkeys((text or "").split(",")) if name in known]
