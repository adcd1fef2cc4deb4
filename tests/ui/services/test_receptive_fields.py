"""Receptive fields for the pages: those of the probes, followed once."""

import pytest

from resviz.errors import ProbeError
from resviz.models import zoo
from resviz.probes.receptive_field.theoretical import receptive_field
from resviz.ui.services import receptive_fields

SMALL = "new/plain-8?width=4"


def test_fields_are_those_of_the_probe_and_are_followed_once() -> None:
    ours = receptive_fields.theoretical(SMALL, 32)
    theirs = receptive_field(zoo.load(SMALL).model, input_size=32)
    assert {name: field.size for name, field in ours.items()} == {f.name: f.size for f in theirs}
    assert receptive_fields.theoretical(SMALL, 32) is ours
    assert receptive_fields.of_layer(SMALL, 32, "layer1.0") is ours["layer1.0"]


def test_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(ProbeError):
        receptive_fields.of_layer(SMALL, 32, "layer9")


def test_an_effective_field_on_noise_is_smaller_than_what_can_be_seen() -> None:
    name, side, layer = SMALL, 32, "layer1.0"
    field = receptive_fields.on_noise(name, side, layer, None)
    assert field is not None
    assert 1 <= field.size <= max(receptive_fields.of_layer(name, side, layer).size)
    assert receptive_fields.is_measured(name, side, layer)
    assert not receptive_fields.is_measured(name, side, "layer2.0")


def test_the_arithmetic_ends_at_the_size_of_the_field() -> None:
    steps = receptive_fields.arithmetic(SMALL, 32, "layer2.0")
    assert steps[-1].size == max(receptive_fields.of_layer(SMALL, 32, "layer2.0").size)
