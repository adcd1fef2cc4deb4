"""EfficientNet-Lite0 is the published one.

Equal to timm's, counted by hand, with shortcuts where shapes agree.
"""

import pytest
import timm
import torch
import torch.nn.functional as F

from resviz.models.architectures.blocks import Residual
from resviz.models.architectures.efficientnet import EfficientNetLite
from resviz.models.architectures.layers import SameConv2d


@pytest.fixture(scope="module")
def pair():
    """Ours and timm's with the same random weights, matched by order."""
    torch.manual_seed(0)
    theirs = timm.create_model("tf_efficientnet_lite0").eval()
    for name, value in theirs.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 2)
    ours = EfficientNetLite().eval()
    values = theirs.state_dict().values()
    ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))
    return ours, theirs


@pytest.mark.parametrize("size", [224, 97])
def test_outputs_are_timms(pair, size):
    ours, theirs = pair
    x = torch.randn(2, 3, size, size)
    with torch.no_grad():
        expected = theirs(x)
        assert (ours(x) - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_parameters_are_counted_by_hand():
    total = 3 * 3 * 3 * 32 + 2 * 32
    inside = 32
    for widen, kernel, outside, count in (
        (1, 3, 16, 1),
        (6, 3, 24, 2),
        (6, 5, 40, 2),
        (6, 3, 80, 3),
        (6, 5, 112, 3),
        (6, 5, 192, 4),
        (6, 3, 320, 1),
    ):
        for _ in range(count):
            wide = widen * inside
            total += (inside * wide + 2 * wide) * (widen > 1)
            total += kernel**2 * wide + 2 * wide + wide * outside + 2 * outside
            inside = outside
    total += 320 * 1280 + 2 * 1280 + 1281 * 1000
    assert sum(p.numel() for p in EfficientNetLite().parameters()) == total == 4_652_008


def test_nine_of_sixteen_blocks_have_a_shortcut():
    blocks = [
        m
        for m in EfficientNetLite().modules()
        if hasattr(m, "out_channels") and hasattr(m, "layers")
    ]
    assert len(blocks) == 16
    assert sum(isinstance(block, Residual) for block in blocks) == 9


@pytest.mark.parametrize(("size", "stride", "kernel"), [(7, 1, 3), (8, 2, 3), (9, 2, 5), (5, 2, 1)])
def test_same_padding_gives_a_stride_th_of_the_size_rounded_up(size, stride, kernel):
    conv = SameConv2d(1, 1, kernel, stride, bias=False)
    x = torch.randn(1, 1, size, size)
    assert conv(x).shape[-1] == -(-size // stride)
    padding = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    before = padding // 2  # TensorFlow puts the odd pixel behind
    by_hand = F.conv2d(F.pad(x, (before, padding - before) * 2), conv.weight, stride=stride)
    assert torch.equal(conv(x), by_hand)
