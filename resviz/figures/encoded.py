"""Pictures are encoded once: the same values look the same for every visitor.

A page that is drawn again has the same maps, and encoding them as PNG took a quarter of its time.
"""

import functools
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, ParamSpec

import numpy as np
from PIL import Image

P = ParamSpec("P")
MOST = 64 * 2**20  # bytes of all pictures that are kept; a map over a photo has about 30,000


class _Pictures:
    """Encoded pictures by what they were made of; the one unused for longest makes room."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[Hashable, bytes] = OrderedDict()
        self._bytes = 0
        self._guard = threading.Lock()

    def get(self, key: Hashable, encode: Callable[[], bytes]) -> bytes:
        with self._guard:
            if key in self._pictures:
                self._pictures.move_to_end(key)
                return self._pictures[key]
        picture = encode()  # two visitors may do it at once: they get the same
        with self._guard:
            self._bytes += len(picture) - len(self._pictures.get(key, b""))
            self._pictures[key] = picture
            while self._bytes > MOST:
                self._bytes -= len(self._pictures.popitem(last=False)[1])
        return picture


_pictures = _Pictures()


def encoded_once(encode: Callable[P, bytes]) -> Callable[P, bytes]:
    """Keep what an encoder made of the same values."""

    @functools.wraps(encode)
    def picture(*args: P.args, **kwargs: P.kwargs) -> bytes:
        parts = [encode.__name__, *map(_key, args)]
        parts += [(name, _key(value)) for name, value in sorted(kwargs.items())]
        return _pictures.get(tuple(parts), lambda: encode(*args, **kwargs))

    return picture


def _key(value: Any) -> Hashable:
    """An array or a picture by its contents, everything else by itself."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, _digest(np.ascontiguousarray(value).data)
    if isinstance(value, Image.Image):
        return value.size, value.mode, _digest(value.tobytes())
    return value  # type: ignore[no-any-return]


def _digest(data: Any) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
