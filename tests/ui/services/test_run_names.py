"""What networks and runs are called: what is unusual, and no two side by side the same."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from resviz.models.spec import ModelSpec
from resviz.training.config import SCHEDULES
from resviz.training.runs.reader import RunInfo, RunReader
from resviz.ui.services.run_names import network_title, setting_value, variants, when

INFO = RunInfo(
    "plain-20-20260102-030405-7", "new/plain-20", "digits", "finished", 9, 9, 1e9, "", "", "", 2e9
)


def run(
    folder: Path, number: int, model: str = "new/plain-20", **config: object
) -> tuple[RunReader, RunInfo]:
    """A run that was asked for at so many seconds past three, with these settings."""
    name = f"plain-20-20260102-0300{number:02}-7"
    (folder / name).mkdir()
    (folder / name / "config.json").write_text(json.dumps({"config": {"lr": 0.1, **config}}))
    return RunReader(folder / name), replace(INFO, id=name, model=model)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("plain-56", "Plain-56"),
        ("residual-20?norm=none&init=torch", "Residual-20, no norm, PyTorch init"),
        ("residual-20?norm=group&width=4&classes=3", "Residual-20, group norm, width 4"),
        ("fixup-20", "Fixup-20"),
        ("residual-50?stem=imagenet", "Residual-50"),
        ("plain-8?seed=3", "Plain-8, seed 3"),
    ],
)
def test_a_network_is_named_by_family_depth_and_what_is_unusual(name, title):
    assert network_title(ModelSpec.parse(name)) == title


def test_runs_are_told_apart_by_what_differs_and_at_last_by_their_time(tmp_path):
    same = [run(tmp_path, i) for i in range(2)]
    assert [words for _, words in variants(*zip(*same, strict=True))] == [
        "02.01. 03:00:00",
        "02.01. 03:00:01",
    ]
    others = [run(tmp_path, 2, lr=0.3), run(tmp_path, 3, "new/plain-20?norm=none"), same[0]]
    assert variants(*zip(*others, strict=True)) == [
        (20, "rate 0.3"),
        (20, "no norm, rate 0.1"),
        (20, "rate 0.1"),
    ]


def test_a_schedule_is_called_the_same_everywhere(tmp_path):
    both = [run(tmp_path, 0, schedule="one-cycle"), run(tmp_path, 1, schedule="steps")]
    told = [words for _, words in variants(*zip(*both, strict=True))]
    assert told == ["schedule one cycle", "schedule steps of 2015"]
    assert [setting_value("schedule", name) for name in SCHEDULES] == [
        "one cycle",
        "cosine",
        "steps of 2015",
    ]


def test_plain_and_residual_of_one_race_share_a_variant(tmp_path):
    race = [run(tmp_path, 0), run(tmp_path, 1, "new/residual-20")]
    assert variants(*zip(*race, strict=True)) == [(20, ""), (20, "")]


def test_the_time_is_that_of_the_id_whatever_happens_to_the_run():
    assert when(INFO) == when(replace(INFO, started=None, place=5e8)) == "02.01. 03:04"
    assert when(replace(INFO, id="imported")) != "02.01. 03:04"
