"""Places are given by turn within the bounds of the machine."""

import pytest

from resviz.training.launch import queue
from resviz.training.runs.reader import RunInfo


def info(name: str, status: str, group: str, place: float = 0.0) -> RunInfo:
    return RunInfo(name, "", "", status, 0, 0, None, "", "", group, place)


@pytest.mark.parametrize(
    ("infos", "jobs_", "processes", "expected"),
    [
        (
            [info("a", "queued", "1", 2), info("b", "queued", "2", 1)],
            1,
            2,
            ["b"],
        ),  # first come first served
        ([info("a", "queued", "1", 1), info("b", "queued", "2", 2)], 2, 2, ["a", "b"]),
        ([info("a", "running", "1"), info("b", "queued", "2")], 1, 2, []),  # one job at a time
        ([info("a", "running", "1"), info("b", "queued", "1")], 1, 2, ["b"]),  # a race is one job
        (
            [info(c, "queued", "1", i) for i, c in enumerate("abc")],
            1,
            2,
            ["a", "b"],
        ),  # of at most two processes
        (
            [info("a", "finished", "1"), info("b", "crashed", "2"), info("c", "queued", "3")],
            1,
            2,
            ["c"],
        ),
        ([], 1, 1, []),
    ],
)
def test_places_are_given_by_turn_within_the_bounds(infos, jobs_, processes, expected):
    assert [found.id for found in queue.next_runs(infos, jobs_, processes)] == expected


def test_the_bound_may_be_set(monkeypatch):
    monkeypatch.setenv("RESVIZ_JOBS", "3")
    assert queue.places()[0] == 3
    for nonsense in ("", "0", "-1", "many"):
        monkeypatch.setenv("RESVIZ_JOBS", nonsense)
        assert queue.places()[0] >= 1
