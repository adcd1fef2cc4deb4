"""Modules that are watched run as before, and are afterwards what they were."""

import pytest
import torch
from torch import nn

from resviz.errors import ProbeError
from resviz.models.resnet import build
from resviz.models.spec import ModelSpec
from resviz.probes.receptive_field import receptive_field
from resviz.probes.trace_modules import watched
from resviz.probes.traced import Traced

SIDES = (32, 32)


class Own(nn.Conv2d):
    """A convolution whose forward is its own, so no rule of another kind may stand in for it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)[..., ::2, ::2]


def test_every_module_gets_its_own_forward_back_also_after_an_error():
    model = build(ModelSpec(depth=8, width=4))
    model.fc.forward = own = model.fc.forward

    def stop(layer: str, output: object) -> None:
        assert "forward" in model.conv1.__dict__
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"), watched(model, None, stop):
        model(torch.randn(1, 3, *SIDES))
    assert [name for name, module in model.named_modules() if "forward" in module.__dict__] == ["fc"]
    assert model.fc.forward is own


def test_numbers_go_through_a_watched_network_as_through_any_other():
    model, seen = build(ModelSpec(depth=8, width=4)).eval(), {}
    x = torch.randn(1, 3, *SIDES)
    with torch.no_grad(), watched(model, ["conv1"], seen.__setitem__):
        scores = model(x)
    assert torch.equal(seen["conv1"], model.conv1(x))
    assert torch.equal(scores, model(x))


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
    through_torch = module(Traced.image(3, SIDES, torch.float32))
    (field,) = receptive_field(nn.Sequential(module), input_size=SIDES)
    assert field.units == through_torch.form[-2:]
    assert field.size == tuple(axis.size for axis in through_torch.axes)
    assert field.start == tuple(axis.first(0) for axis in through_torch.axes)


def test_a_module_under_two_names_is_told_under_both():
    shared = nn.Conv2d(3, 3, 3)
    model = nn.Sequential(shared, shared)
    told = []
    with torch.no_grad(), watched(model, ["0", "1"], lambda layer, output: told.append(layer)):
        model(torch.randn(1, 3, 8, 8))
    assert told == ["0", "1", "0", "1"]


def test_an_unknown_layer_is_refused_before_anything_is_replaced():
    model = nn.Sequential(nn.ReLU())
    with pytest.raises(ProbeError, match="no layer '7'"), watched(model, ["0", "7"], print):
        pass
    assert "forward" not in model[0].__dict__
