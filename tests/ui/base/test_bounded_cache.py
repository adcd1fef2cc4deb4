"""The cache for results with progress: bounded, each result made once, failures not kept."""

import threading
import time

import pytest

from resviz.ui.base.bounded_cache import BoundedCache, clear_all, used_bytes


def test_a_result_is_made_once_and_the_oldest_unused_makes_room() -> None:
    made: list[str] = []
    shelf: BoundedCache[str] = BoundedCache(2)

    def ask(key: str) -> str:
        return shelf.get(key, lambda: made.append(key) or key.upper())

    assert [ask(key) for key in "abacab"] == list("ABACAB")
    assert made == ["a", "b", "c", "b"], "b was unused for longest when c came"


def test_thirty_who_ask_at_once_wait_for_one() -> None:
    made: list[int] = []
    shelf: BoundedCache[int] = BoundedCache(4)

    def make() -> int:
        time.sleep(0.05)
        made.append(1)
        return 7

    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(shelf.get("key", make))) for _ in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [7] * 30
    assert made == [1]


def test_a_failure_or_a_stop_is_not_kept() -> None:
    class Stopped(BaseException):
        pass

    def fail() -> int:
        raise Stopped

    shelf: BoundedCache[int] = BoundedCache(1)
    with pytest.raises(Stopped):
        shelf.get("key", fail)
    assert shelf.get("key", lambda: 3) == 3


def test_clear_forgets_everything() -> None:
    shelf: BoundedCache[object] = BoundedCache(2)
    first = shelf.get("a", object)
    shelf.clear()
    assert "a" not in shelf
    assert shelf.get("a", object) is not first


def test_all_caches_share_one_budget_and_the_least_used_of_them_all_leaves_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clear_all()
    monkeypatch.setenv("RESVIZ_MEMORY", "10000")
    photos: BoundedCache[bytes] = BoundedCache(99)
    maps: BoundedCache[bytes] = BoundedCache(99)
    photos.get("old", lambda: bytes(3000))
    maps.get("used", lambda: bytes(3000))
    photos.get("young", lambda: bytes(3000))
    maps.get("used", lambda: pytest.fail("it is there"))
    maps.get("new", lambda: bytes(3000))
    assert "old" not in photos
    assert "young" in photos
    assert "used" in maps
    assert used_bytes() <= 10_000


def test_a_result_larger_than_the_budget_is_handed_over_and_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clear_all()
    monkeypatch.setenv("RESVIZ_MEMORY", "1000")
    cache: BoundedCache[bytes] = BoundedCache(9)
    assert len(cache.get("large", lambda: bytes(5000))) == 5000
    assert "large" not in cache
    assert used_bytes() == 0
