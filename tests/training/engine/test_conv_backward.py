"""`SmallMaps` against PyTorch's own gradients, in float32, and what it leaves alone."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resviz.training.engine import conv_backward
from resviz.training.engine.conv_backward import SmallMaps


def _gradients(
    images: Tensor, weight: Tensor, half: torch.dtype | None, **options: int
) -> tuple[Tensor, ...]:
    images, weight = images.clone().requires_grad_(), weight.clone().requires_grad_()
    if half is None:
        y = F.conv2d(images, weight, **options)
    else:
        with SmallMaps(half):
            y = F.conv2d(images, weight, None, *_pairs(**options))
    outward = torch.linspace(-1, 1, y.numel()).view(y.shape)
    return y.detach(), *torch.autograd.grad(y, (images, weight), outward)


def _pairs(
    stride: int = 1, padding: int = 0
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], int]:
    return (stride, stride), (padding, padding), (1, 1), 1


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "side"),
    [(3, 1, 1, 5), (3, 2, 1, 6), (3, 2, 1, 7), (1, 2, 0, 5), (5, 1, 0, 8)],
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_output_and_gradients_equal_pytorchs(kernel, stride, padding, side, layout, monkeypatch):
    taken = []
    monkeypatch.setattr(
        conv_backward,
        "_weight_gradient",
        lambda *given, real=conv_backward._weight_gradient: taken.append(1) or real(*given),
    )
    torch.manual_seed(0)
    images = torch.randn(4, 128, side, side).to(memory_format=layout)
    weight = torch.randn(16, 128, kernel, kernel) / 30
    ours = _gradients(images, weight, torch.float32, stride=stride, padding=padding)
    theirs = _gradients(images, weight, None, stride=stride, padding=padding)
    assert taken
    for mine, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(128, 128, 3, padding=1),  # a bias
        nn.Conv2d(128, 128, 3, padding=1, groups=2, bias=False),
        nn.Conv2d(128, 128, 3, padding=2, dilation=2, bias=False),
        nn.Conv2d(64, 128, 3, padding=1, bias=False),  # few channels
    ],
)
def test_other_convolutions_are_left_alone(layer, monkeypatch):
    monkeypatch.setattr(conv_backward._Convolution, "apply", lambda *given: pytest.fail("taken"))
    with SmallMaps(torch.float32):
        layer(torch.randn(1, layer.in_channels, 4, 4))


def test_wide_maps_are_left_alone(monkeypatch):
    monkeypatch.setattr(conv_backward._Convolution, "apply", lambda *given: pytest.fail("taken"))
    with SmallMaps(torch.float32):
        nn.Conv2d(128, 8, 3, padding=1, bias=False)(torch.randn(1, 128, 9, 9))


@pytest.mark.parametrize(("ours", "theirs", "pays"), [(0.8, 1.0, True), (0.99, 1.0, False)])
def test_the_product_is_taken_only_where_it_is_clearly_faster(monkeypatch, ours, theirs, pays):
    seconds = {conv_backward._weight_gradient: ours, conv_backward._kernel: theirs}
    monkeypatch.setattr(conv_backward, "_seconds", lambda compute, *given: seconds[compute])
    conv_backward.product_pays.cache_clear()
    assert conv_backward.product_pays(torch.bfloat16) is pays
    conv_backward.product_pays.cache_clear()


def test_what_is_timed_are_two_ways_to_the_same_gradient():
    images = torch.randn(2, 8, 5, 5)
    weight = torch.randn(8, 8, 3, 3)
    geometry = ((1, 1), (1, 1), (1, 1), False, (0, 0), 1)
    backward = torch.ops.aten.convolution_backward
    kernel = backward(images, images, weight, None, *geometry, (False, True, False))[1]
    product = conv_backward._weight_gradient(images, images, weight.shape, (1, 1), (1, 1))
    torch.testing.assert_close(product, kernel, atol=1e-4, rtol=1e-4)
