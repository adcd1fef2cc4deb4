"""Pooling to a size and interpolation, unit by unit, against the gradient."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resviz.probes.receptive_field.tracing import FieldTensor
from tests.probes.receptive_field.gradient_support import support


@pytest.mark.parametrize(("before", "after"), [(9, 6), (10, 7), (6, 9), (8, 4), (5, 5)])
def test_adaptive_pooling_sees_what_torch_averages(before: int, after: int):
    carried = nn.AdaptiveAvgPool2d(after)(FieldTensor.image(3, (before, before), torch.float32))
    x = torch.ones(1, 3, before, before, requires_grad=True)
    output = F.adaptive_avg_pool2d(x, after)
    y, z = carried.fields.axes
    for i in range(after):
        assert support(output, x, (i, i)) == ((y.first(i), y.last(i)), (z.first(i), z.last(i)))


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("side", [7, 16, 24, 5])
@pytest.mark.parametrize("corners", [True, False])
def test_interpolation_sees_what_torch_mixes(mode: str, side: int, corners: bool):
    options = {"mode": mode} | ({"align_corners": corners} if mode == "bilinear" else {})
    carried = F.interpolate(FieldTensor.image(1, (8, 8), torch.float32), side, **options)
    x = torch.ones(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    output = F.interpolate(x, side, **options)
    axis = carried.fields.axes[0]
    for i in range(side):
        inside = (max(0, axis.first(i)), min(7, axis.last(i)))
        assert support(output, x, (i, i))[0] == inside
