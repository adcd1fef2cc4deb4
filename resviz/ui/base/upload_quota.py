"""How much one visitor may have uploaded at a time, used or not.

Streamlit keeps whatever a session uploads until the session is over and for two minutes more, also
what no page ever asked for. It has no setting for that, so its store is told here.
"""

import functools
from collections.abc import Callable
from typing import Any

QUOTA = 8 * 25 * 2**20  # bytes of a session: eight photos of the largest size
_MARK = "resviz_quota"


def install() -> None:
    """Give the store of uploads the quota, once in a process."""
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

    if not hasattr(MemoryUploadedFileManager.add_file, _MARK):
        limited = _with_quota(MemoryUploadedFileManager.add_file)
        MemoryUploadedFileManager.add_file = limited  # type: ignore[method-assign]


def _with_quota(add_file: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(add_file)
    def add(store: Any, session_id: str, file: Any) -> None:
        add_file(store, session_id, file)
        sizes = {key: len(each.data) for key, each in store.file_storage[session_id].items()}
        excess = sum(sizes.values()) - QUOTA
        for oldest, size in sizes.items():  # in the order in which they came
            if excess <= 0 or oldest == file.file_id:
                break
            store.remove_file(session_id, oldest)
            excess -= size

    setattr(add, _MARK, True)
    return add
