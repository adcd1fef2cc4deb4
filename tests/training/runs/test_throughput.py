"""The pace against a case worked by hand, and the presets against the paper."""

from pathlib import Path

import pytest

from resviz.errors import TrainingError
from resviz.models.spec import ModelSpec
from resviz.training.events import Step
from resviz.training.presets import PRESETS, networks, preset, preset_of
from resviz.training.request import Request
from resviz.training.runs import reader, writer
from resviz.training.runs.naming import write_config
from resviz.training.runs.throughput import throughput
from resviz.training.runs.writer import RunWriter


@pytest.fixture
def folder(home: Path) -> Path:
    found = home / "runs" / "a"
    found.mkdir(parents=True)
    write_config(found, {"config": {"batch_size": 64}})
    return found


def test_the_pace_is_that_of_the_last_twenty_seconds(folder, monkeypatch):
    with RunWriter(folder) as journal:
        journal.note(steps=1000)
        for i in range(100):  # two seconds a step at first, then half a second
            now = 2.0 * i if i < 50 else 100 + 0.5 * (i - 50)
            monkeypatch.setattr(writer.time, "time", lambda now=now: 1e9 + now)
            journal._pending.append(Step(i, 1000, 0, 1.0, 0.5, 0.1, 0.1))
            journal.flush()
    found = throughput(reader.read("a"))
    assert found.images_per_second == pytest.approx(64 * 2)
    assert found.seconds_left == pytest.approx(900 / 2)


def test_a_resumed_run_has_no_pace_until_it_has_made_two_new_steps(folder, monkeypatch):
    def step(journal: RunWriter, i: int, now: float) -> None:
        monkeypatch.setattr(writer.time, "time", lambda: now)
        journal.step(Step(i, 1000, 0, 1.0, 0.5, 0.1, 0.1))
        journal.flush()

    with RunWriter(folder) as journal:
        journal.note(steps=1000)
        for i in range(4):
            step(journal, i, 1e9 + i)
        assert throughput(reader.read("a")).images_per_second == pytest.approx(64)
        journal.note(queued=1e9 + 10)
        assert throughput(reader.read("a")).seconds_left is None
        step(journal, 4, 1e9 + 14)
        assert throughput(reader.read("a")).seconds_left is None
        step(journal, 5, 1e9 + 14.5)
    assert throughput(reader.read("a")).images_per_second == pytest.approx(128), (
        "nothing of before the resume"
    )


def test_nothing_is_said_before_two_moments_are_known(folder):
    with RunWriter(folder) as journal:
        journal.note(steps=1000)
        assert throughput(reader.read("a")).seconds_left is None
        journal.step(Step(0, 1000, 0, 1.0, 0.5, 0.1, 0.1))
        journal.flush()
        assert throughput(reader.read("a")).images_per_second is None


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_asked_for(name):
    found = preset(name)
    for family in found.families:
        for depth in found.depths:
            Request(
                model=f"new/{family}-{depth}",
                dataset=found.dataset,
                config=found.config,
                record=found.record,
            )
            ModelSpec(family=family, depth=depth)


def test_he2015_makes_the_paper_s_64000_steps():
    config = preset("he2015").config
    steps = config.epochs * (50_000 // config.batch_size)
    assert abs(steps - 64_000) < 200
    assert (config.lr, config.momentum, config.weight_decay, config.schedule) == (
        0.1,
        0.9,
        1e-4,
        "steps",
    )


def test_an_unknown_preset_names_the_choices():
    with pytest.raises(
        TrainingError, match="There is no preset 'marathon'; choose from race, he2015, quick"
    ):
        preset("marathon")


def test_networks_are_every_combination_once():
    found = networks(("plain", "fixup"), (8, 20), ("batch", "none"), ("he",), {"width": 4})
    assert [str(spec) for spec in found] == [
        "plain-8?width=4",
        "fixup-8?width=4",
        "plain-8?width=4&norm=none",
        "plain-20?width=4",
        "fixup-20?width=4",
        "plain-20?width=4&norm=none",
    ]


def test_what_repeats_a_run_asks_for_the_same_network_and_configuration():
    model = "new/residual-29?block=bottleneck&norm=group&init=torch&classes=7&seed=3"
    asked = Request(model=model, dataset="digits", config=PRESETS["race"].config, record="off")
    found = preset_of(asked)
    (spec,) = networks(found.families, found.depths, found.norms, found.inits, found.network)
    assert spec == asked.spec()
    assert (found.dataset, found.config, found.record) == ("digits", asked.config, "off")
