"""How slow work says how far it has come: one signature for loading, measuring and training."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Takes the share that is done, 0 to 1, and in some cases what is being done."""

    def __call__(self, share: float, what: str = "", /) -> object: ...


def silent(share: float, what: str = "", /) -> None:
    """Tell nobody."""
