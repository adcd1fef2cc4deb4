"""A bounded cache whose computations may draw their progress on the page.

`st.cache_data` and `st.cache_resource` replay what a cached function drew, and refuse to when it
drew on a place made outside: a progress bar is just that. Everything without progress is cached by
Streamlit.
"""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_all: "weakref.WeakSet[Shelf[Any]]" = weakref.WeakSet()


class Shelf(Generic[T]):
    """At most `size` results; the one unused for longest makes room. Who asks for one in the making waits for it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._results: OrderedDict[Hashable, T] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()
        _all.add(self)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result of that key, made by the first who asks; if `make` raises, the next one tries again."""
        with self._guard:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._guard:
                if key in self._results:
                    self._results.move_to_end(key)
                    return self._results[key]
            try:
                return self._keep(key, make())
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

    def _keep(self, key: Hashable, result: T) -> T:
        with self._guard:
            self._results[key] = result
            while len(self._results) > self.size:
                self._making.pop(self._results.popitem(last=False)[0], None)
        return result


def clear_all() -> None:
    """Forget the results of every shelf."""
    for shelf in list(_all):
        shelf.clear()
