"""Modules that are watched run as before, and are afterwards what they were."""

import pytest
import torch
from torch import nn

from resviz.errors import ProbeError
from resviz.models.architectures.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.receptive_field.theoretical import receptive_field
from resviz.probes.receptive_field.tracing import FieldTensor
from resviz.probes.receptive_field.tracing.modules import watched

SIDES = (32, 32)


class Own(nn.Conv2d):
    """A convolution whose forward is its own, so no rule of another kind may stand in for it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)[..., ::2, ::2]


def test_every_module_is_afterwards_what_it_was_also_after_an_error():
    model = build(ModelSpec(depth=8, width=4))
    model.fc._compiled_call_impl = own = model.fc._call_impl
    before = [dict(module.__dict__) for module in model.modules()]

    def stop(module: nn.Module, output: object) -> None:
        assert module is model.conv1
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"), watched(model.modules(), stop):
        model(torch.randn(1, 3, *SIDES))
    assert [dict(module.__dict__) for module in model.modules()] == before
    assert model.fc._compiled_call_impl is own


def test_numbers_go_through_a_watched_network_as_through_any_other():
    model, seen = build(ModelSpec(depth=8, width=4)).eval(), {}
    x = torch.randn(1, 3, *SIDES)
    with torch.no_grad(), watched([model.conv1], seen.__setitem__):
        scores = model(x)
    assert torch.equal(seen[model.conv1], model.conv1(x))
    assert torch.equal(scores, model(x))


def test_hooks_and_a_forward_of_its_own_stand_before_the_rule():
    called = []
    for change in (
        lambda module: module.register_forward_hook(lambda *_: called.append("after")),
        lambda module: module.register_forward_pre_hook(lambda *_: called.append("before")),
        lambda module: setattr(module, "forward", lambda x: called.append("own") or x),
    ):
        module = nn.ReLU()
        change(module)
        receptive_field(nn.Sequential(module), input_size=SIDES)
    assert called == ["after", "before", "own"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Conv2d(3, 4, 3, 2, 1),
        lambda: nn.Conv2d(3, 4, (3, 5), (2, 1), (1, 0), (1, 2)),
        lambda: nn.Conv2d(3, 4, 3, padding="same"),
        lambda: nn.Conv2d(3, 4, 3, 2, 1, padding_mode="reflect"),
        lambda: nn.BatchNorm2d(3),
        lambda: nn.ReLU(),
        lambda: nn.ReLU(inplace=True),
        lambda: nn.Hardswish(),
        lambda: Own(3, 4, 3),
    ],
)
def test_the_short_way_says_what_the_way_through_torch_says(make):
    module = make().eval()
    through_torch = module(FieldTensor.image(3, SIDES, torch.float32))
    (field,) = receptive_field(nn.Sequential(module), input_size=SIDES)
    assert field.units == through_torch.shape[-2:]
    assert field.size == tuple(axis.size for axis in through_torch.fields.axes)
    assert field.start == tuple(axis.first(0) for axis in through_torch.fields.axes)


def test_a_module_under_two_names_is_told_under_both():
    shared = nn.Conv2d(3, 3, 3)
    first, second = receptive_field(nn.Sequential(shared, shared), ["0", "1"], SIDES)
    assert (first.name, second.name) == ("0", "1")
    assert first.size == second.size == (5, 5)  # as it ran last


def test_an_unknown_layer_is_refused():
    with pytest.raises(ProbeError, match="no layer '7'"):
        receptive_field(nn.Sequential(nn.ReLU()), ["0", "7"], SIDES)


class Thorough(nn.Module):
    """Treats its input in every way in which tensors are usually treated.

    Each leaves a place where it is.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert isinstance(x, torch.Tensor)
        assert torch.is_tensor(x)
        n, c, *sides = x.shape
        assert (n, c, tuple(sides), len(x), x.dim(), x.ndim, x.numel()) == (
            1,
            3,
            SIDES,
            1,
            4,
            4,
            3 * 32 * 32,
        )
        assert (x.dtype, x.size(-1), x.requires_grad) == (torch.float32, 32, False)
        y = 1 - (2 * x + abs(-x) - x / 2) ** 2
        y = y - 2**x + 1 / (x + 3) + x * ((x > 0) & ~(x == 1))
        y = y.relu() * torch.sigmoid(x) + torch.where(x > 0, x, 0.1 * x).clamp(0)
        y += x
        y.mul_(2).add_(x)
        return y.contiguous().to(x.dtype)


def test_what_is_traced_is_treated_as_a_tensor():
    x = torch.randn(1, 3, *SIDES)
    assert Thorough()(x).shape == x.shape
    (field,) = receptive_field(nn.Sequential(Thorough()), input_size=SIDES)
    assert (field.size, field.stride, field.start, field.units) == ((1, 1), (1, 1), (0, 0), SIDES)


@pytest.mark.parametrize(
    "ask", [bool, float, int, list, lambda x: x.mean() > 0 and x, lambda x: x.item()]
)
def test_a_question_after_numbers_is_refused(ask):
    class Asking(nn.Module):
        def forward(self, x: torch.Tensor) -> object:
            return ask(x)

    with pytest.raises(ProbeError):
        receptive_field(nn.Sequential(Asking()), ["0"], SIDES)


def test_a_thing_that_tensors_do_not_have_is_no_attribute():
    with pytest.raises(AttributeError, match="colour"):
        _ = FieldTensor.image(3, SIDES, torch.float32).colour


@pytest.mark.parametrize("first", [True, False])
def test_a_map_scaled_by_its_mean_keeps_its_places(first: bool):
    class Excited(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            scale = x.mean((2, 3), keepdim=True)
            return scale * x if first else x * scale

    *_, field = receptive_field(
        nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), Excited()), input_size=SIDES
    )
    assert (field.whole_image, field.size, field.stride, field.units) == (
        True,
        SIDES,
        (2, 2),
        (16, 16),
    )
    assert (field.smallest, field.largest) == ((3, 3), SIDES)
