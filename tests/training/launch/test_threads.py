"""Fewer threads unless more are faster; what was chosen is written down and kept."""

import time

import pytest
import torch

from resviz.training.launch import start, threads
from resviz.training.launch.start import resume_run, start_run
from resviz.training.launch.threads import candidates, fastest
from resviz.training.request import MEASURE
from resviz.training.runs import reader
from tests.training.squares import CONFIG, CPU, MODEL, folder


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (1, (1,)),
        (2, (1, 2)),
        (3, (1, 2, 3)),
        (4, (1, 2, 4)),
        (6, (1, 2, 4, 6)),
        (16, (1, 2, 4, 8, 16)),
    ],
)
def test_powers_of_two_and_the_most_are_tried(most, expected):
    assert candidates(most) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ({1: 0.02, 2: 0.01}, 2),
        ({1: 0.01, 2: 0.1}, 1),
        ({1: 0.02, 2: 0.0195}, 1),
        ({1: 0.04, 2: 0.02, 4: 0.08}, 2),
    ],
)
def test_more_threads_are_taken_only_where_they_are_faster(seconds, expected):
    assert fastest(lambda: time.sleep(seconds[torch.get_num_threads()]), seconds) == expected
    assert torch.get_num_threads() == expected


def test_the_choice_is_recorded_and_kept(home, tmp_path, monkeypatch):
    monkeypatch.setattr(start, "best", lambda: CPU)
    monkeypatch.setattr(threads, "cores", lambda: 2)
    monkeypatch.setattr(threads, "fastest", lambda step, counts: (step(), max(counts))[1])
    run, events = start_run(MODEL, folder(tmp_path / "squares"), CONFIG, threads=MEASURE)
    next(events)
    events.close()
    assert reader.read(run.name).config["threads"] == 2
    monkeypatch.setattr(threads, "fastest", lambda step, counts: 1 / 0)
    torch.set_num_threads(1)
    next(resume_run(run.folder)[1])
    assert torch.get_num_threads() == 2
