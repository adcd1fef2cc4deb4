"""A bounded cache whose computations may draw their progress on the page.

`st.cache_data` and `st.cache_resource` replay what a cached function drew, and refuse to when it
drew on a place made outside: a progress bar is just that. They also copy each result for each
reader; the results here are frozen, and shared.
"""

import functools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")
_all: "weakref.WeakSet[BoundedCache[Any]]" = weakref.WeakSet()


class BoundedCache(Generic[T]):
    """At most `size` results; the one unused for longest makes room.

    Who asks for a result in the making waits for it.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._results: OrderedDict[Hashable, T] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()
        _all.add(self)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result of that key, made by the first who asks.

        If `make` raises, the next one tries again.
        """
        with self._guard:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._guard:
                if key in self._results:
                    self._results.move_to_end(key)
                    return self._results[key]
            try:
                return self._store(key, make())
            except BaseException:
                with self._guard:
                    self._making.pop(key, None)
                raise

    def __contains__(self, key: Hashable) -> bool:
        with self._guard:
            return key in self._results

    def clear(self) -> None:
        """Forget all results; what is in the making is still handed to those who wait for it."""
        with self._guard:
            self._results.clear()
            self._making.clear()

    def _store(self, key: Hashable, result: T) -> T:
        with self._guard:
            self._results[key] = result
            while len(self._results) > self.size:
                oldest, _result = self._results.popitem(last=False)
                self._making.pop(oldest, None)
        return result


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
