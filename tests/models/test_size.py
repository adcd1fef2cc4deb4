"""Sizes counted from a spec are those of the network that is built from it."""

import pytest
from hypothesis import given, settings

from resviz.models.architectures.resnet import skeleton
from resviz.models.choices import FAMILIES, NORMS, SHORTCUTS, WITHOUT_NORM
from resviz.models.size import parameters, size_in_bytes
from resviz.models.spec import ModelSpec
from tests.models.test_spec import specs


def built(spec: ModelSpec) -> tuple[int, int]:
    """Parameters, and bytes of parameters and buffers, of the network itself."""
    model = skeleton(spec)
    learned = sum(p.numel() for p in model.parameters())
    tensors = [*model.parameters(), *model.buffers()]
    return learned, sum(t.numel() * t.element_size() for t in tensors)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_every_family_norm_and_shortcut_is_counted_right(family, norm, shortcut, block):
    if family in WITHOUT_NORM:
        norm = "none"
    spec = ModelSpec(
        family=family, norm=norm, shortcut=shortcut, block=block, depth=20, width=8, classes=7
    )
    assert (parameters(spec), size_in_bytes(spec)) == built(spec)


@pytest.mark.parametrize(
    "text",
    [
        "residual-18?stem=small",
        "residual-50?stem=imagenet&groups=32&width_per_group=4",
        "residual-50?stem=imagenet&dilation=4&stride_in_1x1=1",
        "residual-20?channels=1&head=none",
        "residual-20?channels=7&head=100,50",
    ],
)
def test_stems_heads_and_channels_are_counted_right(text):
    spec = ModelSpec.parse(text)
    assert (parameters(spec), size_in_bytes(spec)) == built(spec)
    assert spec.size_in_bytes == size_in_bytes(spec)


@given(specs())
@settings(max_examples=15, deadline=None)
def test_any_spec_is_counted_right(spec):
    if sum(spec.stages) < 100:  # deeper ones take a second to build
        assert (parameters(spec), size_in_bytes(spec)) == built(spec)


def test_the_deepest_network_is_counted_at_once():
    assert size_in_bytes(ModelSpec(depth=1202)) == pytest.approx(4 * 19.4e6, rel=0.02)
