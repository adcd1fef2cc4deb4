"""Pictures reach a network exactly as torchvision's weights expect them."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torchvision import models

from resviz.data.preprocess import Preprocess
from resviz.models.weights.torchvision import preprocess

SIZES = [
    (500, 375),
    (375, 500),
    (257, 256),
    (256, 256),
    (224, 224),
    (231, 640),
    (97, 61),
    (1023, 401),
    (33, 32),
    (1, 9),
]


def photo(size):
    """A picture with edges, gradients and noise, different for each size."""
    noise = np.random.default_rng(size[0]).integers(0, 60, (size[1], size[0], 3), dtype=np.uint8)
    ramp = np.linspace(0, 190, size[0], dtype=np.uint8)[None, :, None]
    picture = Image.fromarray(noise + ramp)
    ImageDraw.Draw(picture).ellipse([0, 0, size[0] * 0.6, size[1] * 0.8], fill=(200, 30, 90))
    return picture


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "name",
    [
        ("resnet18", "IMAGENET1K_V1"),
        ("resnet50", "IMAGENET1K_V2"),
        ("efficientnet_b0", "IMAGENET1K_V1"),  # bicubic
        ("efficientnet_b1", "IMAGENET1K_V2"),  # odd sizes
        ("efficientnet_v2_l", "IMAGENET1K_V1"),  # another mean, no border
        ("inception_v3", "IMAGENET1K_V1"),
    ],
    ids="-".join,
)
def test_tensors_are_torchvisions_bit_for_bit(name, size):
    weights = models.get_model_weights(name[0])[name[1]]
    picture = photo(size)
    assert torch.equal(preprocess(weights)(picture), weights.transforms()(picture))


@pytest.mark.parametrize("size", [(20, 31), (32, 32), (48, 37)])
def test_crops_larger_than_the_scaled_picture_are_framed_in_black_as_torchvision_does(size):
    from torchvision.transforms._presets import ImageClassification

    theirs = ImageClassification(crop_size=41, resize_size=32)
    assert torch.equal(Preprocess(32, 41)(photo(size)), theirs(photo(size)))


@pytest.mark.parametrize("size", [(500, 375), (97, 61), (231, 640), (256, 256)])
def test_the_box_is_what_the_network_sees(size):
    """A picture whose colours are its coordinates.

    The corners of the view lie where the box says.
    """
    width, height = size
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    x, y = (
        Image.fromarray((v / max(size) * 255).astype(np.uint8)).convert("RGB")
        for v in (columns, rows)
    )
    told = Preprocess()
    left, top, right, bottom = told.box(size)
    for picture, near, far in ((x, left, right), (y, top, bottom)):
        view = np.asarray(told.view(picture))[..., 0] / 255 * max(size)
        tolerance = 3 * max(size) / 255
        assert abs(view.min() - max(near, 0)) < tolerance
        assert abs(view.max() - (far - 1)) < tolerance


def test_the_view_is_the_tensor_before_normalisation():
    told = Preprocess(mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    tensor = told(photo((300, 280)))
    back = tensor * torch.tensor(told.std)[:, None, None] + torch.tensor(told.mean)[:, None, None]
    pixels = (back * 255).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(pixels, np.asarray(told.view(photo((300, 280)))))


def test_a_picture_of_the_right_size_is_not_resampled():
    picture = photo((32, 32))
    assert np.array_equal(np.asarray(Preprocess(32, 32).view(picture)), np.asarray(picture))


def test_the_tensor_owns_its_memory():
    tensor = Preprocess(32, 32)(photo((32, 32)))
    assert tensor.shape == (3, 32, 32)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    tensor.zero_()  # writable


def test_many_views_are_normalised_as_each_alone():
    preprocess = Preprocess(8, 8, (0.1, 0.2, 0.3), (0.5, 0.25, 2.0))
    views = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    x = preprocess.normalise(torch.from_numpy(views).permute(0, 3, 1, 2))
    by_hand = (views / 255 - [0.1, 0.2, 0.3]) / [0.5, 0.25, 2.0]
    np.testing.assert_allclose(x.permute(0, 2, 3, 1), by_hand, atol=1e-5)
    for i in range(3):
        assert torch.equal(x[i], preprocess.tensor(Image.fromarray(views[i])))
