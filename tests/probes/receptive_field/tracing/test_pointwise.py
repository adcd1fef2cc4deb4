"""Where branches meet: fields by hand."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.probes.receptive_field.graphs import Odd, fields


class Branches(nn.Module):
    """Two ways that meet."""

    def __init__(
        self, one: nn.Module, other: nn.Module, meet: Callable[[Tensor, Tensor], Tensor] = torch.add
    ) -> None:
        super().__init__()
        self.one, self.other, self.meet = one, other, meet

    def forward(self, x: Tensor) -> Tensor:
        return self.meet(self.one(x), self.other(x))


def cat(a: Tensor, b: Tensor) -> Tensor:
    return torch.cat([a, b], 1)


def in_place(a: Tensor, b: Tensor) -> Tensor:
    a.add_(b)
    return F.relu(a, inplace=True)


MEETINGS = [
    torch.add,
    cat,
    torch.maximum,
    in_place,
    lambda a, b: a * b,
    lambda a, b: torch.stack([a, b]).mean(0),
]


@pytest.mark.parametrize("meet", MEETINGS)
def test_where_branches_meet_the_field_is_their_union(meet: Callable[[Tensor, Tensor], Tensor]):
    around = nn.Conv2d(3, 3, 5, 2, 2)
    meetings = {
        "same": (nn.Conv2d(3, 3, 1, 2), (5, 5), (-2, -2), True),
        "shifted": (nn.AvgPool2d(2), (5, 5), (-2, -2), False),  # centre 0.5, not 0
        "wider": (nn.Conv2d(3, 3, (1, 7), 2, (0, 3)), (5, 7), (-2, -3), True),
        "beside": (
            nn.Sequential(nn.ZeroPad2d((4, -4, 0, 0)), nn.AvgPool2d(3, 2, 1)),
            (5, 8),
            (-2, -5),
            False,
        ),
    }
    for other, size, start, aligned in meetings.values():
        found = fields(
            nn.Sequential(Branches(around, other, meet), nn.Conv2d(6 if meet is cat else 3, 1, 1)),
            (64, 66),
        )
        assert (found["0"].size, found["0"].stride, found["0"].start) == (size, (2, 2), start)
        assert found["0"].aligned == found["1"].aligned == aligned
        assert found["0.one"].aligned


@pytest.mark.parametrize("meet", MEETINGS)
def test_the_union_is_larger_than_the_longest_path_only_where_branches_are_not_aligned(
    meet: Callable,
):
    beside = nn.Sequential(nn.ZeroPad2d((4, -4, 0, 0)), nn.AvgPool2d(3, 2, 1))
    found = fields(nn.Sequential(Branches(nn.Conv2d(3, 3, 5, 2, 2), beside, meet)), (64, 66))["0"]
    assert (found.smallest, found.size, found.largest) == ((3, 3), (5, 8), (5, 5))


def test_a_mean_beside_the_map_leaves_the_shortest_path_local():
    scale = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Sigmoid())
    found = fields(
        nn.Sequential(nn.Conv2d(3, 3, 3), Branches(nn.Identity(), scale, torch.mul)), 64
    )["1"]
    assert (found.smallest, found.size, found.largest) == ((3, 3), (64, 64), (64, 64))


def test_a_mean_that_scales_a_map_makes_every_unit_see_the_whole_image():
    scale = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 3, 1), nn.Sigmoid())
    found = fields(
        nn.Sequential(nn.Conv2d(3, 3, 3, 2, 1), Branches(nn.Identity(), scale, torch.mul)), 64
    )
    assert (found["1"].size, found["1"].start, found["1"].whole_image) == ((64, 64), (0, 0), True)
    assert found["1"].stride == (2, 2)  # units still lie so far apart
    assert found["1"].aligned


def test_a_constant_of_the_same_shape_sees_nothing():
    found = fields(Odd(lambda x: torch.zeros_like(x[:, :, :1, :1]) + x * torch.ones_like(x)), 16)
    assert (found["second"].size, found["second"].start, found["second"].aligned) == (
        (3, 3),
        (0, 0),
        True,
    )
