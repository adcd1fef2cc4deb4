"""A tensor is followed into modules, functions and methods, and forgotten with its end."""

import gc

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resviz.probes.batchnorm.tracking import Rectified, Sources, Uses

CUTS = {
    "module": nn.ReLU(),
    "in place": nn.ReLU(inplace=True),
    "relu6": nn.ReLU6(),
    "hardtanh": nn.Hardtanh(0.0, 6.0),
    "function": torch.relu,
    "functional": F.relu,
    "method": lambda x: x.relu(),
    "method in place": lambda x: x.relu_(),
    "clamp": lambda x: x.clamp(min=0),
    "clamp by position": lambda x: torch.clamp(x, 0),
    "clamp_min": lambda x: x.clamp_min(0.0),
    "clip": lambda x: torch.clip(x, min=0.0, max=1.0),
}
OTHERS = {
    "leaky": nn.LeakyReLU(),
    "gelu": nn.GELU(),
    "clamp below": lambda x: x.clamp(min=-1),
    "clamp from above": lambda x: x.clamp(max=0),
    "sum first": lambda x: torch.relu(x + 1),
}


def rectified(function) -> set[str]:
    seen, x = Rectified(), torch.randn(2, 3)
    seen.sources.follow("norm", x)
    with seen:
        function(x)
    return seen.layers


@pytest.mark.parametrize("name", CUTS)
def test_whatever_makes_zero_of_negative_numbers_is_a_relu(name: str):
    assert rectified(CUTS[name]) == {"norm"}


@pytest.mark.parametrize("name", OTHERS)
def test_other_functions_are_none(name: str):
    assert rectified(OTHERS[name]) == set()


def test_uses_are_operations_that_give_tensors_and_pauses_are_not_counted():
    uses, x = Uses(), torch.randn(2, 3)
    uses.sources.follow("conv", x)
    with uses:
        assert x.shape == (2, 3)
        torch.cat([x, x])
        with uses.paused():
            x + 1
        x.mul(2)
    assert uses.count == {"conv": 3}  # both places in the list, and the product


def test_a_tensor_that_died_is_no_source_for_one_that_took_its_number():
    sources, x = Sources(), torch.zeros(1)
    sources.follow("conv", x)
    assert sources.layer_of(x) == "conv"
    sources._given[id(y := torch.zeros(1))] = sources._given[id(x)]
    assert sources.layer_of(y) is None
    number = id(x)
    del x
    gc.collect()
    assert sources._given[number][0]() is None
