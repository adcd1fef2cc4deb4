"""The registry: every rule stands beside its name, and torch's own tags say what is pointwise."""

import pytest
import torch
from torch import Tensor

from resviz.probes.receptive_field.tracing import FieldTensor, pointwise, rule, rule_of, windows


def test_a_rule_is_found_by_the_names_beside_it():
    assert rule_of("conv2d") is windows.convolution
    assert rule_of("group_norm") is pointwise.measuring


def test_an_operation_in_place_has_the_rule_of_the_one_that_is_not():
    assert rule_of("relu_") is rule_of("relu") is pointwise.same
    assert rule_of("__iadd__") is pointwise.pointwise


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "gelu", "clamp_", "where", "maximum"])
def test_what_torch_tags_as_pointwise_is_followed_as_a_sum(name: str):
    assert rule_of(name) is pointwise.pointwise


@pytest.mark.parametrize("name", ["roll", "sort", "grid_sampler", "item", "no_such_operation"])
def test_what_nobody_wrote_a_rule_for_has_none(name: str):
    assert rule_of(name) is None


def test_two_rules_for_one_operation_are_refused():
    with pytest.raises(ValueError, match="conv2d has a rule already"):
        rule("conv2d")(lambda x: x)


def test_a_rule_can_ask_for_the_operation_itself():
    image = FieldTensor.image(3, (8, 6), torch.float32)
    assert image.permute(0, 3, 2, 1).fields.dims == (-2, -3)
    assert rule_of("permute").args == (Tensor.permute,)
