"""Where a model runs, and what is said of that place."""

import sys

import pytest
import torch

from resviz import device
from resviz.device import Device


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Device("cpu", "Some CPU", 1, None), "Some CPU, one thread"),
        (Device("cpu", "Some CPU", 4, None), "Some CPU, 4 threads"),
        (Device("cuda", "Some GPU", 4, torch.float16), "Some GPU"),
    ],
)
def test_threads_are_told_where_they_matter(place, words):
    assert place.where() == words


def test_the_cpu_is_taken_with_the_threads_that_torch_uses():
    place = device.cpu()
    assert place.type == "cpu"
    assert place.name
    assert place.threads == torch.get_num_threads()
    assert place.autocast in (None, torch.bfloat16)


def test_a_device_that_cannot_compute_is_not_chosen(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(device, "computes", lambda kind: False)
    assert device.best().type == "cpu"


def test_a_quarter_of_the_free_memory_may_be_asked_for(monkeypatch):
    monkeypatch.setattr(device, "free_memory", lambda kind: 1000)
    assert device.fits(249, "cuda")
    assert not device.fits(250, "cuda")
    monkeypatch.undo()
    assert device.free_memory("cpu") == sys.maxsize


def test_a_tensor_that_is_there_already_is_not_copied():
    x = torch.zeros(3)
    assert device.moved(x, "cpu") is x


def test_at_least_one_core_may_be_used():
    assert device.cores() >= 1
