"""How far a network's convolutions scatter, against their outputs taken by hand."""

import pytest
import torch
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.batchnorm.no_norm import spreads
from tests.probes.example_nets import cifar, left_as_found, picture


def test_spreads_are_the_deviations_of_all_outputs_in_the_order_in_which_they_run():
    model, x = cifar(8, norm="none"), picture(16, batch=3)
    with left_as_found(model):
        found = spreads(model, x)
    assert list(found) == [
        name for name, module in model.named_modules() if isinstance(module, nn.Conv2d)
    ]
    first = model.conv1(x)
    assert found["conv1"] == pytest.approx(first.std(unbiased=False).item(), rel=1e-6)
    second = model.layer1[0].conv1(torch.relu(first))
    assert found["layer1.0.conv1"] == pytest.approx(second.std(unbiased=False).item(), rel=1e-5)


def test_twice_the_kernel_is_twice_the_spread():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False))
    before = spreads(model, picture(8))["0"]
    model[0].weight.data.mul_(2)
    assert spreads(model, picture(8))["0"] == pytest.approx(2 * before)


def test_images_that_are_no_numbers_are_refused():
    with pytest.raises(ProbeError, match="not finite numbers"):
        spreads(cifar(8), picture(16) * float("nan"))
