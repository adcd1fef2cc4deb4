"""The tables of choices name what is there."""

import pytest
from torch import nn

from resviz.models.architectures import blocks
from resviz.models.choices import ACTIVATIONS, CHOICES, FAMILIES, IMAGENET_STAGES, NUMBERS, RANGES
from resviz.models.spec import ModelSpec


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_a_block(family):
    assert issubclass(getattr(blocks, FAMILIES[family]), blocks.Block)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_a_module_of_torch(name):
    assert issubclass(getattr(nn, ACTIVATIONS[name]), nn.Module)


@pytest.mark.parametrize("depth", IMAGENET_STAGES)
def test_a_depth_counts_its_layers(depth):
    block, stages = IMAGENET_STAGES[depth]
    assert depth == sum(stages) * {"basic": 2, "bottleneck": 3}[block] + 2


def test_what_is_checked_is_a_field_of_a_spec_and_its_usual_value_passes():
    usual = ModelSpec().as_dict()
    assert set(CHOICES) | set(RANGES) <= usual.keys()
    assert all(usual[name] in choices for name, choices in CHOICES.items())
    assert all(low <= usual[name] <= high for name, (low, high) in RANGES.items())
    assert {name for name, value in usual.items() if isinstance(value, int)} == NUMBERS
