"""What goes through a network: a shape and fields, without numbers."""

import doctest

import pytest
import torch
from torch import Tensor

from resviz.errors import ProbeError
from resviz.probes.receptive_field import (
    arithmetic,
    effective,
    input_size,
    spread,
    theoretical,
    tracing,
)
from resviz.probes.receptive_field.tracing import FieldTensor, rules


@pytest.mark.parametrize(
    "module",
    [tracing, rules, theoretical, effective, input_size, arithmetic, spread],
    ids=lambda module: module.__name__,
)
def test_the_examples_run(module):
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


def image(height: int = 8, width: int = 6) -> FieldTensor:
    return FieldTensor.image(3, (height, width), torch.float32)


def test_it_says_that_it_is_a_tensor():
    x = image()
    assert isinstance(x, Tensor)
    assert torch.is_tensor(x)
    assert (x.shape, x.ndim, x.size(-1), x.numel()) == (torch.Size([1, 3, 8, 6]), 4, 6, 144)
    assert x.dtype == torch.float32


def test_each_pixel_sees_itself():
    fields = image().fields
    assert fields.units == (8, 6)
    assert [(axis.first(5), axis.last(5)) for axis in fields.axes] == [(5, 5), (5, 5)]


def test_what_works_in_place_leaves_the_fields_that_others_kept():
    x = torch.conv2d(image(), torch.ones(3, 3, 3, 3))
    kept, other = x.fields, x
    x += torch.max_pool2d(x, 3, 1, 1)
    assert x is other
    assert kept.rows.size == 3
    assert x.fields.rows.size == 5
    x[:, :1] = 0
    assert (x.fields, x.unknown_after) == (None, "__setitem__")


def test_the_first_unknown_operation_is_remembered():
    x = torch.roll(image(), 1, 2).sort(2).values + image()
    assert (x.fields, x.unknown_after) == (None, "roll")


def test_an_operation_that_needs_numbers_is_refused_with_its_reason():
    with pytest.raises(ProbeError, match=r"the operation item \(.+\); choose"):
        image().sum().item()
