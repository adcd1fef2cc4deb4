"""Corruptions are what they say, measured on pictures whose answer is known."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from resviz.data.corruptions import CONTRAST, KINDS, NOISE, STRENGTHS, corrupt
from resviz.errors import ImageError

PHOTO = torch.randint(
    40, 216, (2, 3, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)


def test_the_negative_of_a_negative_is_the_picture():
    assert torch.equal(corrupt(corrupt(PHOTO, "invert"), "invert"), PHOTO)
    assert corrupt(PHOTO, "invert")[1, 2, 3, 4] == 255 - PHOTO[1, 2, 3, 4]


@pytest.mark.parametrize("strength", STRENGTHS)
def test_contrast_keeps_the_mean_and_the_published_share_of_the_deviation(strength):
    flat, worse = (t.float().flatten(2) for t in (PHOTO, corrupt(PHOTO, "contrast", strength)))
    torch.testing.assert_close(worse.mean(2), flat.mean(2), atol=0.5, rtol=0)
    torch.testing.assert_close(worse.std(2), flat.std(2) * CONTRAST[strength - 1], atol=0.5, rtol=0)


@pytest.mark.parametrize("strength", [1, 2])
def test_noise_has_the_published_deviation_and_repeats(strength):
    grey = torch.full((4, 3, 64, 64), 128, dtype=torch.uint8)
    noisy = corrupt(grey, "noise", strength)
    assert torch.equal(noisy, corrupt(grey, "noise", strength))
    assert not torch.equal(noisy, corrupt(grey, "noise", strength, seed=1))
    assert noisy.float().std() / 255 == pytest.approx(NOISE[strength - 1], rel=0.02)


def test_a_blurred_point_is_the_gaussian_of_its_distance():
    point = torch.zeros(1, 3, 112, 112, dtype=torch.uint8)
    point[:, :, 40:61, 40:61] = 255  # a square: the product of two differences of error functions
    deviation = 3.0 * 112 / 224
    edge = [
        math.erf((at - 39.5) / deviation / 2**0.5) - math.erf((at - 60.5) / deviation / 2**0.5)
        for at in range(112)
    ]
    expected = np.outer(edge, edge) / 4 * 255
    np.testing.assert_allclose(corrupt(point, "blur", 3)[0, 1].numpy(), expected, atol=6)


def test_a_flat_picture_stays_flat_under_blur_up_to_its_border():
    flat = torch.full((1, 3, 20, 20), 77, dtype=torch.uint8)
    assert torch.equal(corrupt(flat, "blur", 5), flat)


def test_blur_takes_the_same_from_a_picture_as_pillow_does():
    from PIL import ImageFilter

    rows = np.linspace(0, 255, 224)[:, None, None] * np.ones((1, 224, 3))
    rows[100:120, 90:130] = 255
    image = Image.fromarray(rows.astype(np.uint8))
    ours = corrupt(torch.from_numpy(np.array(image)).permute(2, 0, 1)[None], "blur", 4)[
        0, 0
    ].numpy()
    theirs = np.array(image.filter(ImageFilter.GaussianBlur(4)))[:, :, 0]
    assert (
        np.abs(ours[20:-20, 20:-20].astype(int) - theirs[20:-20, 20:-20]).max() <= 6
    )  # Pillow's is three box filters


@pytest.mark.parametrize("kind", KINDS)
def test_the_original_is_left_alone_and_kind_and_size_stay(kind):
    before = PHOTO.clone()
    worse = corrupt(PHOTO, kind, 5)
    assert torch.equal(PHOTO, before)
    assert (worse.dtype, worse.shape) == (torch.uint8, PHOTO.shape)
    assert torch.equal(worse, PHOTO) is (kind == "none")


@pytest.mark.parametrize(
    ("kind", "strength", "says"), [("fog", 1, "blur, noise"), ("blur", 6, "1 to 5")]
)
def test_an_unknown_kind_or_strength_names_the_choices(kind, strength, says):
    with pytest.raises(ImageError, match=says):
        corrupt(PHOTO, kind, strength)
