"""Oracles: tables by hand, the fields that the tracer finds, and the gradient of a stack of equal
weights.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resviz.errors import ProbeError
from resviz.models.architectures.resnet import skeleton
from resviz.models.spec import ModelSpec
from resviz.probes.receptive_field.arithmetic import Window, arithmetic, path_shares, stack
from resviz.probes.receptive_field.theoretical import receptive_field


def test_the_rows_of_an_imagenet_resnet_by_hand():
    steps = arithmetic(skeleton(ModelSpec(depth=18, stem="imagenet")), "layer2.0", 224)
    assert [(s.name, s.size, s.jump, s.start) for s in steps] == [
        ("conv1", 7, 2, -3),
        ("maxpool", 11, 4, -5),
        ("layer1.0.conv1", 19, 4, -9),
        ("layer1.0.conv2", 27, 4, -13),
        ("layer1.1.conv1", 35, 4, -17),
        ("layer1.1.conv2", 43, 4, -21),
        ("layer2.0.conv1", 51, 8, -25),
        ("layer2.0.conv2", 67, 8, -33),
    ]
    assert steps[0].kind == "Conv2d"
    assert steps[1].window == Window(3, 2, 1, 1)


@pytest.mark.parametrize(
    ("depth", "layer"), [(50, "layer4.2.relu3"), (50, "layer3.1.conv2"), (34, "layer4.0.shortcut")]
)
def test_the_last_row_is_the_layers_field(depth: int, layer: str):
    model = skeleton(ModelSpec(depth=depth, stem="imagenet"))
    last = arithmetic(model, layer)[-1]
    (field,) = receptive_field(model, [layer])
    assert (last.size, last.jump, last.start) == (field.largest[0], field.stride[0], field.start[0])


def test_dilation_same_padding_and_a_pooling_without_stride():
    model = nn.Sequential(
        nn.Conv2d(3, 1, 3, padding="same", dilation=2), nn.AvgPool2d(2), nn.Conv2d(1, 1, (5, 1))
    )
    assert [(s.size, s.jump, s.start) for s in arithmetic(model, "2", 32)] == [
        (5, 1, -2),
        (6, 2, -2),
        (14, 2, -2),
    ]


class Doubled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.max_pool2d(x, 2)


def test_what_cannot_be_listed_is_a_sentence():
    with pytest.raises(ProbeError, match="the whole image through a mean"):
        arithmetic(nn.Sequential(nn.Conv2d(3, 1, 3), nn.AdaptiveAvgPool2d(1)), "1", 32)
    with pytest.raises(ProbeError, match="no convolution or pooling layer"):
        arithmetic(nn.Sequential(nn.Conv2d(3, 1, 3), Doubled()), "1", 32)
    with pytest.raises(ProbeError, match="no layer 'nope'"):
        arithmetic(nn.Sequential(nn.Conv2d(3, 1, 3)), "nope", 32)
    with pytest.raises(ProbeError, match=r"a stride of 1 to 8 .* got 3, 0 and 1"):
        Window(stride=0)


WINDOWS = [Window(3, 2), Window(2, 1, 3), Window(4, 3), Window(1, 1), Window(5, 1, 2)]


def test_a_stack_is_what_the_tracer_follows():
    model = nn.Sequential(
        *(nn.Conv2d(3, 3, w.kernel, w.stride, w.padding, w.dilation) for w in WINDOWS)
    )
    found = receptive_field(model, [str(i) for i in range(len(WINDOWS))], 200)
    assert [(s.size, s.jump) for s in stack(WINDOWS)] == [(f.size[0], f.stride[0]) for f in found]


def test_path_shares_are_the_gradient_of_equal_weights():
    size = stack(WINDOWS)[-1].size
    x = torch.ones(1, 1, size, dtype=torch.float64, requires_grad=True)
    y = x
    for w in WINDOWS:
        y = F.conv1d(
            y,
            torch.full((1, 1, w.kernel), 1 / w.kernel, dtype=torch.float64),
            None,
            w.stride,
            0,
            w.dilation,
        )
    (gradient,) = torch.autograd.grad(y[0, 0, 0], x)
    np.testing.assert_allclose(path_shares(WINDOWS), gradient[0, 0].numpy(), atol=1e-12)
    assert path_shares(WINDOWS).sum() == pytest.approx(1)
