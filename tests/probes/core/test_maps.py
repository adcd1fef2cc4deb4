"""Which axes are the map: against networks whose layout is known."""

import pytest
import torch
import torchvision
from torch import nn

from resviz.errors import ProbeError
from resviz.probes.core.maps import cells, check_spatial, has_channels_last, map_of


@pytest.mark.parametrize(
    ("shape", "sides", "last"),
    [
        ((64, 56, 56), (224, 224), False),
        ((56, 56, 96), (224, 224), True),
        ((1, 1, 768), (32, 32), True),
        ((768, 1, 1), (32, 32), False),
        ((8, 8, 8), (32, 32), False),  # both would do: the usual one
        ((7, 10, 768), (224, 320), True),
        ((768, 7, 10), (224, 320), False),
        ((64, 56, 1), (224, 224), False),  # pooled along a row, as coordinate attention does
        ((64, 1, 56), (224, 224), False),
        ((3, 5, 200), (11, 7), False),
    ],
)
def test_a_map_has_the_proportions_of_the_image(shape, sides, last: bool):
    assert has_channels_last(shape, sides) is last


def test_cells_are_counted_where_the_map_is():
    assert cells((7, 8, 768), (224, 256)) == 56
    assert cells((768, 7, 8), (224, 256)) == 56


@pytest.mark.parametrize("side", [96, 224])
@pytest.mark.parametrize("build", [torchvision.models.swin_t, torchvision.models.convnext_tiny])
def test_swin_and_convnext_are_told_apart_from_what_their_modules_hold(build, side: int):
    """The normalised length of a LayerNorm is the number of channels: they stand at the end."""
    model, seen = build(weights=None).eval(), {}
    for name, module in model.named_modules():
        if type(module) is nn.LayerNorm:
            module.register_forward_hook(lambda m, i, o, name=name: seen.update({name: o}))
    with torch.no_grad():
        model(torch.zeros(1, 3, side, side))
    for name, output in seen.items():
        channels = model.get_submodule(name).normalized_shape[0]
        view = map_of(model, name, output, (side, side))
        assert view.shape[1] == channels, name
        assert view.data_ptr() == output.data_ptr()


def test_what_is_no_map_is_refused_with_a_layer_to_choose():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten())
    for output, reason in ((torch.zeros(1, 5), "its shape is 5"), (None, "it gives no tensor")):
        with pytest.raises(ProbeError, match=rf"{reason}\).* such as 0$"):
            check_spatial(model, "1", output)
