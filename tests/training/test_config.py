"""Settings of a training run are checked once, at birth, and the message says the rule and the
value.
"""

from dataclasses import FrozenInstanceError, replace

import pytest

from resviz.errors import TrainingError
from resviz.models.spec import ModelSpec
from resviz.training.config import (
    AUGMENTATIONS,
    PRECISIONS,
    RECIPES,
    SCHEDULES,
    TrainConfig,
    recipe,
)

RANGES = {
    "epochs": (1, 10_000),
    "batch_size": (2, 8192),
    "lr": (0.0, 100.0),
    "warmup": (0.0, 0.9),
    "momentum": (0.0, 0.999),
    "weight_decay": (0.0, 1.0),
    "label_smoothing": (0.0, 0.5),
    "smallest_crop": (0.05, 1.0),
    "side": (8, 512),
    "side_first": (8, 512),
    "side_last": (8, 512),
    "recalibration": (0, 1_000_000),
    "seed": (0, 2**32 - 1),
}


@pytest.mark.parametrize(("name", "low", "high"), [(name, *ends) for name, ends in RANGES.items()])
def test_the_ends_of_a_range_are_allowed_and_what_lies_beyond_is_told(name, low, high):
    for value in (low, high):
        assert getattr(TrainConfig(**{name: value}), name) == value
    for value in (low - 1, high + 1, float("nan")):
        with pytest.raises(TrainingError) as caught:
            TrainConfig(**{name: value})
        assert str(caught.value) == f"{name} must be from {low} to {high}, got {value}."


@pytest.mark.parametrize(
    ("name", "choices"),
    [("augmentation", AUGMENTATIONS), ("schedule", SCHEDULES), ("precision", PRECISIONS)],
)
def test_a_choice_is_one_of_those_that_the_message_lists(name, choices):
    assert [getattr(TrainConfig(**{name: choice}), name) for choice in choices] == list(choices)
    with pytest.raises(TrainingError) as caught:
        TrainConfig(**{name: "magic"})
    assert str(caught.value) == f"{name} must be one of {', '.join(choices)}, got 'magic'."


def test_every_setting_that_is_a_number_has_a_range():
    numbers = {
        name for name, value in TrainConfig().as_dict().items() if not isinstance(value, str | bool)
    }
    assert numbers == set(RANGES)


def test_a_config_cannot_be_changed_and_survives_as_plain_values():
    config = TrainConfig(epochs=3, lr=0.4, side=64)
    with pytest.raises(FrozenInstanceError):
        config.lr = 1.0
    assert TrainConfig(**config.as_dict()) == config
    assert {type(value) for value in config.as_dict().values()} == {int, float, str, bool}


def test_the_training_side_is_the_usual_one_unless_told():
    config = TrainConfig(side=40, epochs=5)
    assert (config.side_first, config.side_last) == (40, 40)
    assert [config.train_side(epoch) for epoch in range(5)] == [40] * 5


def test_the_training_side_grows_in_steps_of_16_from_first_to_last():
    config = TrainConfig(side=128, side_first=80, side_last=112, epochs=5)
    assert [config.train_side(epoch) for epoch in range(5)] == [
        80,
        96,
        96,
        96,
        112,
    ]  # of 80, 88, 96, 104, 112
    long = replace(config, epochs=18)
    sides = [long.train_side(epoch) for epoch in range(18)]
    assert sides == sorted(sides)
    assert (sides[0], sides[-1]) == (80, 112)
    assert set(sides) == {80, 96, 112}


def test_a_single_epoch_trains_at_the_first_side():
    assert TrainConfig(side=128, side_first=64, side_last=128, epochs=1).train_side(0) == 64


@pytest.mark.parametrize("first", [8, 12, 20])
def test_a_ramp_never_reaches_down_to_no_pixels(first):
    config = TrainConfig(side=128, side_first=first, side_last=64, epochs=9)
    assert all(16 <= config.train_side(epoch) <= 64 for epoch in range(9))


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_names_a_network_that_can_be_built(name):
    found = recipe(name)
    spec = ModelSpec.parse(found.model.removeprefix("new/"))
    assert spec.classes == 10
    assert found is RECIPES[name]
    assert found.config.epochs >= 1


def test_an_unknown_recipe_names_the_choices():
    with pytest.raises(TrainingError) as caught:
        recipe("pancakes")
    assert (
        str(caught.value)
        == "There is no recipe 'pancakes'; choose from imagenette, digits, digits-plain, cifar10."
    )
