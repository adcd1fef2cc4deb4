"""Padding that repeats pixels: what each unit sees, against the support of its gradient."""

from math import ceil, floor

import pytest
import torch
from torch import Tensor, nn

from resviz.probes.receptive_field.axis import Axis, window
from resviz.probes.receptive_field.borders import moving_box, repeat_border
from resviz.probes.receptive_field.theoretical import ReceptiveField, receptive_field
from tests.probes.receptive_field.gradient_support import support

SIDES = (20, 23)


def repeating(kernel: int, stride: int, padding: int, mode: str, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(1, 1, kernel, stride, padding, dilation, padding_mode=mode)


def conv(kernel: int = 3, stride: int = 1, padding: int = 1) -> nn.Conv2d:
    return nn.Conv2d(1, 1, kernel, stride, padding)


class Summed(nn.Module):
    def __init__(self, one: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.one, self.other = one, other

    def forward(self, x: Tensor) -> Tensor:
        return self.one(x) + self.other(x)


NETS = [
    [repeating(3, 1, 1, "circular")],
    [repeating(3, 1, 1, "circular"), repeating(3, 1, 1, "circular")],
    [repeating(3, 2, 1, "circular"), conv(), nn.AvgPool2d(2)],
    [repeating(3, 1, 2, "circular", dilation=2), conv(5, 2, 2)],
    [conv(3, 2, 1), repeating(3, 1, 1, "reflect"), conv()],
    [repeating(3, 1, 2, "reflect"), conv()],
    [repeating(1, 1, 3, "replicate"), conv()],
    [repeating(5, 2, 2, "replicate"), repeating(5, 2, 2, "replicate")],
    [nn.ReflectionPad2d((4, 0, 0, 3)), conv(3, 1, 0), conv(3, 2, 1)],
    [nn.CircularPad2d((0, 2, 1, 0)), conv(3, 1, 0)],
    [nn.ReplicationPad2d(2), conv(2, 2, 0), nn.Upsample(scale_factor=2)],
    [Summed(repeating(3, 1, 1, "circular"), conv(5, 1, 2)), conv()],
    [repeating(3, 2, 1, "circular"), nn.ConvTranspose2d(1, 1, 4, 2, 1), conv()],
    [nn.Sequential(nn.ZeroPad2d(2), repeating(3, 1, 1, "reflect"), conv(3, 1, 0))],
]


def built(layers: list[nn.Module]) -> tuple[ReceptiveField, Tensor, Tensor]:
    """The last layer's fields, its output where nothing is zero by accident, and the image."""
    model = nn.Sequential(nn.Conv2d(3, 1, 1), *layers)
    (field,) = receptive_field(model, [str(len(layers))], SIDES)
    x = torch.ones(1, 3, *SIDES, dtype=torch.float64, requires_grad=True)
    for parameter in model.double().parameters():
        parameter.data.fill_(1)
    output = model(x)
    return field, output, x


@pytest.mark.parametrize("layers", NETS, ids=range(len(NETS)))
def test_every_unit_sees_the_support_of_its_gradient(layers: list[nn.Module]):
    field, output, x = built(layers)
    assert field.units == output.shape[2:]
    for row in range(field.units[0]):
        unit = (row, row % field.units[1])
        seen = field.box(*unit)
        for i, (first, last) in enumerate(support(output, x, unit)):
            inside = max(0, seen[i]), min(SIDES[i], seen[i] + seen[i + 2]) - 1
            assert inside == (first, last), (unit, i)


@pytest.mark.parametrize("layers", NETS, ids=range(len(NETS)))
def test_size_stride_and_start_hold_what_every_unit_sees(layers: list[nn.Module]):
    field, output, x = built(layers)
    for row in range(field.units[0]):
        unit = (row, row % field.units[1])
        for i, (first, last) in enumerate(support(output, x, unit)):
            start = field.start[i] + (0 if field.whole_image else unit[i] * field.stride[i])
            assert floor(start) <= first
            assert last <= ceil(start) + field.size[i] - 1


def test_circular_padding_shows_the_opposite_border_and_is_said_to():
    field, _, _ = built([repeating(3, 1, 1, "circular"), repeating(3, 1, 1, "circular")])
    assert (field.whole_image, field.through, field.size) == (True, "border", SIDES)
    assert (field.local_size, field.local_start) == ((5, 5), (-2, -2))
    assert field.box(10, 10) == (8, 8, 5, 5)
    assert field.box(0, 10) == (0, 8, 20, 5)


def test_reflection_that_shows_nothing_new_leaves_the_field_as_with_zeros():
    field, _, _ = built([repeating(5, 1, 2, "reflect")])
    assert (field.size, field.start, field.through) == ((5, 5), (-2, -2), "")


def test_the_box_that_moves_with_the_stride_by_hand():
    axis = window(repeat_border(Axis(), "reflect", 2, 2, 10), 3, 1, 0, count=12)
    assert [axis.interval(unit) for unit in (0, 1, 6, 11)] == [(0, 2), (0, 1), (4, 6), (7, 9)]
    assert moving_box(axis, 10) == (-4, 7)  # unit 11 sees 7 to 9, unit 0 sees 0 to 2
