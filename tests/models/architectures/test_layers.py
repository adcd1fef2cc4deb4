"""The parts of blocks compute what their formulas say."""

import torch
import torch.nn.functional as F

from resviz.models.architectures.layers import (
    Add,
    Constant,
    Gate,
    PadShortcut,
    ScaleShift,
    Shift,
    Tap,
    Weight,
)


def test_option_a_takes_every_second_pixel_and_centres_the_channels_between_zeros():
    x = torch.randn(2, 4, 6, 6)
    y = PadShortcut(4, 8, 2)(x)
    assert y.shape == (2, 8, 3, 3)
    assert torch.equal(y[:, 2:6], x[:, :, ::2, ::2])
    assert not y[:, :2].any()
    assert not y[:, 6:].any()


def test_weights_shifts_and_constants_are_their_formulas():
    x = torch.tensor([[[[1.0, -2.0]]]])
    assert torch.equal(Constant(0.5)(x), x / 2)
    assert torch.equal(Weight(0.25)(x), x / 4)
    assert torch.equal(Shift()(x), x)
    scale_shift = ScaleShift()
    with torch.no_grad():
        scale_shift.weight.fill_(3.0)
        scale_shift.bias.fill_(1.0)
    assert torch.equal(scale_shift(x), 3 * x + 1)
    scale_shift.reset_parameters()
    assert torch.equal(scale_shift(x), x)


def test_a_gate_lets_through_what_its_sigmoid_leaves():
    gate, x = Gate(2), torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    opened = 1 - torch.sigmoid(F.conv2d(x, gate.gate.weight, gate.gate.bias))
    torch.testing.assert_close(gate(x), opened * x)


def test_a_sum_and_a_place_to_look_at_change_nothing_else():
    x, y = torch.ones(1, 1, 2, 2), torch.full((1, 1, 2, 2), 2.0)
    assert torch.equal(Add()(x, y), torch.full((1, 1, 2, 2), 3.0))
    assert Tap()(x) is x
