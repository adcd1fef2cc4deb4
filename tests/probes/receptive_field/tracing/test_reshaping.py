"""Reshapes: places that are joined and split again."""

import pytest
import torch

from tests.probes.receptive_field.graphs import Odd, fields


@pytest.mark.parametrize(
    "there_and_back",
    [
        lambda x: x.flatten(2).view(x.shape),
        lambda x: x.flatten(2).transpose(1, 2).transpose(1, 2).reshape(x.shape),
        lambda x: (
            x.view(1, 4, 2, 7, 7, 2)
            .permute(0, 4, 2, 1, 3, 5)
            .permute(0, 3, 2, 4, 1, 5)
            .reshape(x.shape)
        ),
        lambda x: torch.cat([x.flatten(2)] * 2, 1)[:, :4].unflatten(2, x.shape[2:]),
    ],
)
def test_what_is_joined_and_split_again_stands_where_it_stood(there_and_back):
    image = torch.arange(4 * 14 * 14.0).view(1, 4, 14, 14)
    assert torch.equal(there_and_back(image), image)
    second = fields(Odd(there_and_back), 16)["second"]
    assert (second.size, second.stride, second.start, second.units) == (
        (3, 3), (1, 1), (0, 0), (14, 14)
    )  # fmt: skip
