"""Which channels stand on a page, and what is said about them."""

import numpy as np
import pytest
import torch
from torch import nn

from resviz.probes.feature_maps.activations import activations
from resviz.ui.feature_maps.panels import PER_PAGE, ChannelPage, _about_grid, _channel, _order


def page(values: torch.Tensor, start: int = 0, shared: bool = False) -> ChannelPage:
    activation = activations(nn.Sequential(nn.Identity()), values[None], ["0"])["0"]
    order = _order(activation, activation.mean)
    return ChannelPage(activation, order, None, start, int(order[start]), shared)


def test_channels_are_ordered_by_their_weight_and_cut_into_pages():
    means = torch.randperm(150, generator=torch.Generator().manual_seed(0)).float()
    second = page(means[:, None, None].expand(150, 2, 2), start=PER_PAGE)
    best_first = sorted(range(150), key=lambda c: -means[c])
    assert second.on_page == best_first[PER_PAGE : 2 * PER_PAGE]


def test_of_equal_weights_the_lower_number_comes_first():
    assert page(torch.ones(5, 2, 2)).on_page == [0, 1, 2, 3, 4]


def test_a_channel_of_another_page_gives_way_to_the_first():
    assert _channel(np.arange(100), 64) == 64


@pytest.mark.parametrize(
    ("values", "shared", "says"),
    [
        (torch.rand(2, 3, 3) + 0.1, False, "on its own scale: dark is zero, yellow strong."),
        (torch.rand(2, 3, 3) - 0.5, True, "all on one scale: blue is negative, red positive."),
        (torch.zeros(2, 3, 3), True, "2 of 2 channels are zero everywhere."),
    ],
)
def test_the_caption_says_colours_scale_and_dead_channels(values, shared: bool, says: str):
    assert _about_grid(page(values, shared=shared)).endswith(says)
