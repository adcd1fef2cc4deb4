"""What trainings begin with, against the paper and against the run they repeat."""

import pytest

from resviz.errors import TrainingError
from resviz.models.spec import ModelSpec
from resviz.training.presets import PRESETS, networks, preset, preset_of
from resviz.training.request import Request


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
