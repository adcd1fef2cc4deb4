"""Gates and attention, against the support of the gradient in float64.

`whole`: what a unit sees at all. `local`: what it sees where the gate is taken for a constant.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resviz.probes.receptive_field.theoretical import ReceptiveField, receptive_field
from tests.probes.receptive_field.gradient_support import support

SIDE = 24


class Gated(nn.Module):
    """A map scaled or shifted by values that all its units share; `cut` makes them constants."""

    cut = False

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Conv2d(3, 8, 3, 2, 1)
        self.after = nn.Conv2d(8, 8, 3, padding=1)

    def gate(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        gate = self.gate(x)
        return self.after(x * (gate.detach() if self.cut else gate))


class SqueezeExcitation(Gated):
    """Hu et al. 2018."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)

    def gate(self, x: Tensor) -> Tensor:
        return self.excite(self.squeeze(x.mean((2, 3), keepdim=True)).tanh()).sigmoid()


class EfficientChannel(Gated):
    """Wang et al. 2020: a convolution over the means of the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3, padding=1)

    def gate(self, x: Tensor) -> Tensor:
        y = x.mean((2, 3)).view(x.shape[0], 1, -1)
        y = self.conv(y).sigmoid()
        return y.view(x.shape[0], -1, 1, 1).expand_as(x)


class GlobalContext(Gated):
    """Cao et al. 2019: a mean whose weights are a softmax over the places."""

    def __init__(self) -> None:
        super().__init__()
        self.attend, self.transform = nn.Conv2d(8, 1, 1), nn.Conv2d(8, 8, 1)

    def gate(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        weights = self.attend(x).reshape(b, 1, h * w, 1).softmax(2)
        context = torch.matmul(x.reshape(b, c, h * w).unsqueeze(1), weights)
        return self.transform(context.view(b, c, 1, 1)).sigmoid()


class Selective(Gated):
    """Li et al. 2019: two kernels, weighed against each other for each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding=1)
        self.choose = nn.Conv2d(8, 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        paths = torch.stack([self.one(x), self.other(x)], dim=1)
        mean = paths.sum(1).mean((2, 3), keepdim=True)
        weights = self.choose(mean).view(x.shape[0], 2, 8, 1, 1).softmax(1)
        return (paths * (weights.detach() if self.cut else weights)).sum(1)


class CrossCovariance(Gated):
    """Ali et al. 2021: attention between channels, whose products are summed over all places."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(8, 24)

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        tokens = x.flatten(2).transpose(1, 2)
        q, k, v = self.qkv(tokens).reshape(x.shape[0], -1, 3, 2, 4).permute(2, 0, 3, 4, 1)
        attention = (F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)).softmax(-1)
        mixed = (attention.detach() if self.cut else attention) @ v
        return mixed.permute(0, 3, 1, 2).reshape(tokens.shape).transpose(1, 2).view(x.shape)


GATES = [SqueezeExcitation, EfficientChannel, GlobalContext, Selective, CrossCovariance]


def built(make: type[nn.Module]) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(make(), nn.AvgPool2d(1)).double().eval()


def seen(model: nn.Module, unit: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        x = torch.randn(1, 3, SIDE, SIDE, dtype=torch.float64, requires_grad=True)
    return support(model(x), x, unit)


def in_image(field: ReceptiveField, unit: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    top, left, height, width = field.box(*unit)
    inside = [
        (max(first, 0), min(first + n, SIDE) - 1) for first, n in ((top, height), (left, width))
    ]
    return tuple(inside)


@pytest.mark.parametrize("make", GATES)
def test_behind_a_gate_a_unit_sees_its_convolutional_field_and_the_rest_through_the_gate(make):
    model = built(make)
    (field,) = receptive_field(model, ["1"], SIDE)
    assert (field.whole_image, field.through, field.size) == (True, "gate", (SIDE, SIDE))
    for unit in ((5, 6), (0, 11), (11, 3)):
        assert seen(model, unit)[0][0] == 0, "the rows from the first on"
        model[0].cut = True
        assert in_image(field, unit) == seen(model, unit)
        model[0].cut = False
        assert seen(model, unit) != in_image(field, unit)


class SelfAttention(nn.Module):
    """Of all places, as in BoTNet."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.qkv = nn.Conv2d(3, 8, 3, 2, 1), nn.Linear(8, 24)

    def mixed(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return (q @ k.transpose(-2, -1)).softmax(-1) @ v

    def attend(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).reshape(*x.shape[:2], 3, 2, 4).permute(2, 0, 3, 1, 4)
        mixed = self.mixed(q, k, v)
        return mixed.transpose(1, 2).reshape(x.shape)

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        tokens = x.flatten(2).transpose(1, 2)
        tokens = tokens + self.attend(tokens)
        return tokens.transpose(1, 2).reshape(x.shape)


class Fused(SelfAttention):
    """As torch has it."""

    def mixed(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v)


class InWindows(SelfAttention):
    """Attention of the 3 x 4 places of a window, as in Swin."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        b, c, h, w = x.shape
        windows = x.permute(0, 2, 3, 1).view(b, h // 3, 3, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5)
        windows = self.attend(windows.reshape(-1, 12, c))
        windows = windows.view(b, h // 3, w // 4, 3, 4, c).permute(0, 1, 3, 2, 4, 5)
        return x + windows.reshape(b, h, w, c).permute(0, 3, 1, 2)


class SpaceToDepth(nn.Module):
    """Blocks of 4 x 4 pixels become channels, as in TResNet, and come back."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(48, 48, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        x = x.view(b, c, h // 4, 4, w // 4, 4).permute(0, 3, 5, 1, 2, 4).contiguous()
        return self.mix(x.view(b, c * 16, h // 4, w // 4))


@pytest.mark.parametrize("make", [SelfAttention, Fused])
def test_attention_of_all_places_sees_the_whole_image_unit_by_unit(make):
    model = built(make)
    (field,) = receptive_field(model, ["1"], SIDE)
    assert (field.whole_image, field.through, field.units) == (True, "map", (12, 12))
    assert seen(model, (5, 6)) == in_image(field, (5, 6)) == ((0, SIDE - 1), (0, SIDE - 1))


@pytest.mark.parametrize("make", [InWindows, SpaceToDepth])
def test_windows_and_blocks_see_the_support_of_their_gradient(make):
    model = built(make)
    (field,) = receptive_field(model, ["1"], SIDE)
    assert (field.whole_image, field.through) == (False, "")
    rows, columns = field.units
    for unit in ((0, 0), (1, 1), (rows // 2, columns // 2 - 1), (rows - 1, columns - 1)):
        assert in_image(field, unit) == seen(model, unit), unit


def test_a_linear_layer_over_the_places_is_lost_as_each_output_has_weights_of_its_own():
    class Mixer(SelfAttention):
        def forward(self, x: Tensor) -> Tensor:
            x = self.before(x)
            return F.linear(x.flatten(2), torch.ones(144, 144)).view(x.shape)

    assert [f.name for f in receptive_field(nn.Sequential(Mixer()), input_size=SIDE)] == [
        "0.before"
    ]
