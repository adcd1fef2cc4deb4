"""A budget in bytes, and how many bytes a result takes."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image

from resviz.models import zoo
from resviz.models.pool import Pool
from resviz.ui.base import memory


@pytest.mark.parametrize(
    ("setting", "size"),
    [("2G", 2 * 2**30), ("1500m", 1500 * 2**20), ("4096", 4096), ("3 GB", 3 * 2**30)],
)
def test_the_budget_is_what_the_setting_says(
    monkeypatch: pytest.MonkeyPatch, setting: str, size: int
) -> None:
    monkeypatch.setenv("RESVIZ_MEMORY", setting)
    assert memory.budget() == size


@pytest.mark.parametrize("setting", ["", "much", "-1G", "9" * 99])
def test_without_a_setting_that_makes_sense_it_is_a_share_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv("RESVIZ_MEMORY", setting)
    assert 2**28 < memory.budget() < 2**45


@dataclass(frozen=True, slots=True)
class Result:
    name: str
    maps: dict[str, np.ndarray]
    picture: Image.Image


def test_arrays_pictures_and_texts_inside_a_result_are_counted_once() -> None:
    array = np.zeros((100, 100), np.float32)
    result = Result("a" * 1000, {"x": array, "same": array}, Image.new("RGB", (50, 40)))
    assert memory.size_of(result) == pytest.approx(40_000 + 1000 + 6000, abs=1500)


def test_a_network_counts_its_parameters_and_buffers_and_its_clones_nothing_more() -> None:
    loaded = zoo.load("new/residual-20")
    expected = sum(t.nbytes for t in loaded.model.state_dict().values())
    alone = memory.size_of(loaded)
    assert expected <= alone < expected + 30_000
    assert memory.size_of((loaded, Pool(loaded.model, size=2))) < alone + 30_000
    assert memory.size_of([torch.zeros(10, 10)]) == pytest.approx(400, abs=200)
