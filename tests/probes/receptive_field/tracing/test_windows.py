"""Windows: how many fit, and what they see, against torch."""

import pytest
import torch
import torch.nn.functional as F

from resviz.probes.receptive_field.tracing import FieldTensor
from tests.probes.receptive_field.gradient_support import support

SETTINGS = [
    (kernel, stride, padding, dilation)
    for kernel in (1, 2, 3)
    for stride in (1, 2, 3)
    for padding in (0, 1)
    for dilation in (1, 2)
]


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), SETTINGS)
def test_a_convolution_sees_what_torch_sums_up(kernel, stride, padding, dilation):
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    weight = torch.ones(1, 1, kernel, kernel, dtype=torch.float64)
    carried = torch.conv2d(FieldTensor.image(1, (11, 11), torch.float64), weight, **options)
    x = torch.ones(1, 1, 11, 11, dtype=torch.float64, requires_grad=True)
    output = F.conv2d(x, weight, **options)
    assert carried.shape == output.shape
    unit = output.shape[-1] // 2
    rows = carried.fields.rows
    assert support(output, x, (unit, unit))[0] == (rows.first(unit), rows.last(unit))


@pytest.mark.parametrize("side", range(5, 12))
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 2, 1), (2, 2, 0), (2, 3, 1)])
@pytest.mark.parametrize("ceil", [True, False])
def test_a_pooling_has_as_many_units_as_in_torch(side, kernel, stride, padding, ceil):
    options = {"stride": stride, "padding": padding, "ceil_mode": ceil}
    carried = F.max_pool2d(FieldTensor.image(1, (side, side), torch.float32), kernel, **options)
    assert carried.shape == F.max_pool2d(torch.ones(1, 1, side, side), kernel, **options).shape
    assert carried.fields.units == carried.shape[2:]
