"""Oracles: fields by hand, and the padding that a convolution of ones counts."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resviz.errors import ProbeError
from resviz.models.architectures.resnet import skeleton
from resviz.models.spec import ModelSpec
from resviz.probes.receptive_field.input_size import LayerFit, image_fit
from tests.probes.example_nets import cifar, left_as_found


def by_name(model: nn.Module, side: int) -> dict[str, LayerFit]:
    return {layer.name: layer for layer in image_fit(model, side).layers}


def stack(count: int) -> nn.Sequential:
    """3 x 3 convolutions: 3, 5, 7, 9 ... pixels."""
    return nn.Sequential(
        nn.Conv2d(3, 1, 3, padding=1), *(nn.Conv2d(1, 1, 3, padding=1) for _ in range(count - 1))
    )


def test_a_plain_stack_outgrows_the_image_where_its_field_does():
    fit = image_fit(stack(7), 9)
    assert fit.outgrown == "4"  # 11 > 9
    assert fit.seeing_all == fit.unproductive == ("4", "5", "6")  # the input of 4 sees 9
    assert (fit.stem, fit.relaxed) == ((), None)
    assert image_fit(stack(7), 15).outgrown is None
    assert image_fit(stack(7), 15).seeing_all == ()


def test_both_directions_count():
    fit = image_fit(stack(7), (5, 11))
    assert fit.outgrown == "5"
    assert fit.seeing_all == ("5", "6")


def test_skips_keep_a_short_path_so_that_fewer_layers_are_unproductive():
    plain, residual = (
        image_fit(skeleton(ModelSpec(family=f, depth=32)), 32) for f in ("plain", "residual")
    )
    assert (
        plain.outgrown == residual.outgrown == "layer2.1.conv1"
    )  # 1 + 2 + 5 * 4 = 23, + 2 + 4 = 29, + 4
    assert plain.seeing_all == plain.unproductive
    assert set(residual.unproductive) < set(residual.seeing_all)


def test_the_share_of_padding_is_what_a_convolution_of_ones_counts():
    model = nn.Sequential(nn.Conv2d(3, 1, 3, 2, 1), nn.Conv2d(1, 1, 5, 1, 2))
    found = by_name(model, 16)
    ones = torch.ones(1, 1, 16, 16)
    inside = F.conv2d(ones, torch.ones(1, 1, 3, 3), stride=2, padding=1) / 9
    assert found["0"].padding == pytest.approx(1 - inside.mean().item(), abs=1e-6)
    # unit i of the second sees the pixels 2 i - 5 to 2 i + 5
    inside = F.conv2d(ones, torch.ones(1, 1, 11, 11), stride=2, padding=5) / 121
    assert found["1"].padding == pytest.approx(1 - inside.mean().item(), abs=1e-6)


def test_a_deep_layer_on_a_small_image_sees_mostly_padding():
    fit = image_fit(skeleton(ModelSpec(depth=56)), 32)
    assert "layer3.8.conv2" in fit.mostly_padding
    assert "layer1.0.conv1" not in fit.mostly_padding
    found = {layer.name: layer.padding for layer in fit.layers}
    assert found["layer3.8.conv2"] == pytest.approx(
        1 - (32 / 249) ** 2, abs=1e-3
    )  # the whole image and no more


def test_the_stem_of_an_imagenet_network_is_too_coarse_for_a_cifar_image():
    model = skeleton(ModelSpec(depth=18, stem="imagenet"))
    fit = image_fit(model, 32)
    assert fit.stem == ("conv1", "maxpool")
    assert fit.outgrown == "layer1.1.conv1"  # 7, 11, + 8, + 8 (27), + 8
    assert fit.relaxed is not None
    assert fit.relaxed.outgrown == "layer3.0.conv1"  # 7, 9, + 2 four times, + 2, 3 of 4 (31), + 4
    assert len(fit.relaxed.seeing_all) < len(fit.seeing_all)
    assert model.conv1.stride == (2, 2)


def test_a_mean_over_the_map_sees_all_and_has_no_padding():
    model = nn.Sequential(nn.Conv2d(3, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 3, 1))
    found = by_name(model, 8)
    assert (found["2"].size, found["2"].padding, found["2"].sees_all, found["2"].unproductive) == (
        (8, 8),
        0,
        True,
        True,
    )


def test_transposed_and_dilated_convolutions():
    model = nn.Sequential(
        nn.Conv2d(3, 1, 3, padding=4, dilation=4),
        nn.ConvTranspose2d(1, 1, 2, 2),
        nn.Conv2d(1, 1, 3),
    )
    found = by_name(model, 10)
    assert [layer.size for layer in found.values()] == [(9, 9), (9, 9), (10, 10)]
    assert [layer.sees_all for layer in found.values()] == [False, False, False]
    assert [layer.sees_all for layer in by_name(model, 9).values()] == [False, True, True]


def test_the_model_is_left_as_it_was_found_and_a_refusal_is_a_sentence():
    model = cifar(8).train()
    with left_as_found(model):
        image_fit(model, 32)
    with pytest.raises(ProbeError, match="1 x 1 pixels at least"):
        image_fit(model, 0)
