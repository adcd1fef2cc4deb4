"""A bounded cache whose computations may draw their progress on the page.

`st.cache_data` and `st.cache_resource` replay what a cached function drew, and refuse to when it
drew on a place made outside: a progress bar is just that. They also copy each result for each
reader; the results here are frozen, and shared.
"""

import functools
import itertools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

from resviz.ui.base import memory

T = TypeVar("T")
P = ParamSpec("P")
_all: "weakref.WeakSet[BoundedCache[Any]]" = weakref.WeakSet()
_guard = threading.RLock()  # of all caches: which result leaves next is decided over all of them
_clock = itertools.count()


@dataclass(slots=True)
class _Entry(Generic[T]):
    result: T
    size: int  # in bytes
    used: int  # by the clock that counts uses


class BoundedCache(Generic[T]):
    """At most `size` results, and no more bytes than all caches may take together.

    The result unused for longest makes room. Who asks for a result in the making waits for it.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._entries: OrderedDict[Hashable, _Entry[T]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        _all.add(self)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result of that key, made by the first who asks.

        If `make` raises, the next one tries again.
        """
        with _guard:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with _guard:
                if key in self._entries:
                    return self._use(key)
            try:
                return self._store(key, make())
            except BaseException:
                with _guard:
                    self._making.pop(key, None)
                raise

    def __contains__(self, key: Hashable) -> bool:
        with _guard:
            return key in self._entries

    def clear(self) -> None:
        """Forget all results; what is in the making is still handed to those who wait for it."""
        with _guard:
            self._entries.clear()
            self._making.clear()

    def _use(self, key: Hashable) -> T:
        self._entries.move_to_end(key)
        entry = self._entries[key]
        entry.used = next(_clock)
        return entry.result

    def _store(self, key: Hashable, result: T) -> T:
        entry = _Entry(result, memory.size_of(result), next(_clock))
        with _guard:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            while len(self._entries) > self.size:
                self._drop_oldest()
            _make_room()
        return result

    def _oldest(self) -> int:
        return next(iter(self._entries.values())).used

    def _drop_oldest(self) -> None:
        oldest, _entry = self._entries.popitem(last=False)
        self._making.pop(oldest, None)


def _make_room() -> None:
    """Drop the least recently used results of all caches until the rest fits the budget."""
    budget = memory.budget()
    while used_bytes() > budget and any(cache._entries for cache in _all):
        full = [cache for cache in _all if cache._entries]
        min(full, key=BoundedCache._oldest)._drop_oldest()


def used_bytes() -> int:
    """Return how many bytes the results in all caches take."""
    with _guard:
        return sum(entry.size for cache in _all for entry in cache._entries.values())


def cached(size: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep the last `size` results of a function, by its arguments, for everybody on the server."""

    def decorate(compute: Callable[P, T]) -> Callable[P, T]:
        cache: BoundedCache[T] = BoundedCache(size)

        @functools.wraps(compute)
        def result(*args: P.args, **kwargs: P.kwargs) -> T:
            key = (args, tuple(sorted(kwargs.items())))
            return cache.get(key, lambda: compute(*args, **kwargs))

        return result

    return decorate


def clear_all() -> None:
    """Forget the results of every cache."""
    for cache in list(_all):
        cache.clear()
