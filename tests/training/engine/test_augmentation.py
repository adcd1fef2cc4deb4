"""Augmented batches against slicing and flipping by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from resviz.training.config import TrainConfig
from resviz.training.engine import augmentation as augment
from resviz.training.engine.augmentation import Batches, random_crop, resized_crop_grid

SIDE = 16
MEAN, STD = torch.tensor([0.4, 0.5, 0.6]), torch.tensor([0.2, 0.3, 0.4])


def noise(count: int = 20, side: int = SIDE) -> torch.Tensor:
    return torch.randint(
        0, 256, (count, 3, side, side), generator=torch.Generator().manual_seed(1)
    ).to(torch.uint8)


def batches(count: int = 20, **settings) -> Batches:
    config = TrainConfig(**{"side": SIDE, "batch_size": 4, "augmentation": "none", **settings})
    return Batches(noise(count), torch.arange(count), config, MEAN, STD)


def by_hand(images: torch.Tensor) -> np.ndarray:
    """Normalised in float64."""
    x = images.numpy().astype(np.float64) / 255
    return (x - MEAN.numpy().astype(np.float64)[:, None, None]) / STD.numpy().astype(np.float64)[
        :, None, None
    ]


def epoch(found: Batches, number: int) -> tuple[torch.Tensor, list[int]]:
    """All images of an epoch, and which they are.

    The targets of these sets are the images' numbers.
    """
    images, targets = zip(*found.epoch(number), strict=True)
    return torch.cat(images), torch.cat(targets).tolist()


# ---- order


@pytest.mark.parametrize("augmentation", ["none", "crop", "resized-crop"])
def test_batches_depend_on_seed_and_epoch_only(augmentation):
    first, _ = epoch(batches(augmentation=augmentation, seed=3), 2)
    torch.manual_seed(99)  # what else the process draws does not matter
    other = batches(augmentation=augmentation, seed=3)
    list(other.epoch(0))  # nor what was asked before
    again, _ = epoch(other, 2)
    assert torch.equal(first, again)
    assert not torch.equal(first, epoch(batches(augmentation=augmentation, seed=3), 3)[0])
    assert not torch.equal(first, epoch(batches(augmentation=augmentation, seed=4), 2)[0])


@pytest.mark.parametrize(
    ("count", "size", "expected"), [(20, 4, [4] * 5), (23, 4, [4] * 5), (3, 8, [3]), (8, 8, [8])]
)
def test_an_epoch_shows_each_image_at_most_once_in_full_batches(count, size, expected):
    found = batches(count, batch_size=size)
    sizes = [len(targets) for _, targets in found.epoch(0)]
    _, seen = epoch(found, 0)
    assert sizes == expected
    assert len(found) == len(expected)
    assert len(set(seen)) == len(seen) == sum(expected)


def test_what_one_epoch_leaves_out_another_shows():
    found = batches(23, batch_size=4)
    assert {i for number in range(20) for i in epoch(found, number)[1]} == set(range(23))


def test_images_stay_with_their_targets_and_are_normalised_as_by_hand():
    images, seen = epoch(batches(), 0)
    assert seen != sorted(seen)
    np.testing.assert_allclose(images.numpy(), by_hand(noise()[seen]), atol=1e-6)


# ---- crop and flip


@pytest.mark.parametrize("pad", [1, 4])
def test_random_crop_is_slicing_each_image_at_its_own_place(pad):
    padded = F.pad(noise(6), (pad,) * 4)
    index = torch.tensor([5, 0, 3, 3])
    found = random_crop(padded, index, pad, torch.Generator().manual_seed(7))
    top, left = torch.randint(
        2 * pad + 1, (2, 4), generator=torch.Generator().manual_seed(7)
    ).tolist()
    expected = [
        padded[i, :, y : y + SIDE, x : x + SIDE]
        for i, y, x in zip(index.tolist(), top, left, strict=True)
    ]
    assert torch.equal(found, torch.stack(expected))
    assert len({*zip(top, left, strict=True)}) > 1


def test_random_crops_reach_every_place():
    pad = 2
    places = torch.zeros(1, 3, 8 + 2 * pad, 8 + 2 * pad, dtype=torch.uint8)
    places[0, 0] = torch.arange(12)[:, None]  # row
    places[0, 1] = torch.arange(12)  # column
    index = torch.zeros(500, dtype=torch.int64)
    found = random_crop(places, index, pad, torch.Generator().manual_seed(0))
    corners = {(int(image[0, 0, 0]), int(image[1, 0, 0])) for image in found}
    assert corners == {(y, x) for y in range(5) for x in range(5)}


def test_crop_pads_by_an_eighth_with_black():
    found = batches(augmentation="crop")
    assert found.pad == 2
    assert torch.equal(found.images[..., 2:-2, 2:-2], noise())
    assert found.images[..., :2, :].sum() == found.images[..., -2:, :].sum() == 0
    assert found.images[..., :2].sum() == found.images[..., -2:].sum() == 0


def test_every_image_of_the_crop_augmentation_is_a_window_of_its_padded_picture_or_its_mirror():
    found = batches(augmentation="crop")
    images, seen = epoch(found, 0)
    padded = by_hand(found.images)
    kinds = set()
    for image, i in zip(images.numpy(), seen, strict=True):
        matches = [
            (y, x, mirrored)
            for y in range(5)
            for x in range(5)
            for mirrored in (False, True)
            if np.allclose(
                image[..., ::-1] if mirrored else image,
                padded[i][:, y : y + SIDE, x : x + SIDE],
                atol=1e-5,
            )
        ]
        ((_, _, mirrored),) = matches
        kinds.add(mirrored)
        assert mirrored == bool(found.flipped_first[i])
    assert kinds == {True, False}


@pytest.mark.parametrize("augmentation", ["crop", "resized-crop"])
def test_flips_alternate_from_epoch_to_epoch(augmentation, monkeypatch):
    monkeypatch.setattr(
        augment, "random_crop", lambda padded, index, pad, *_: padded[index][..., 2:-2, 2:-2]
    )
    grid = augment.resized_crop_grid
    centre = torch.full((4, 4), 0.5)
    monkeypatch.setattr(
        augment,
        "resized_crop_grid",
        lambda flip, side, *_: with_draws(monkeypatch, centre, grid, flip, side),
    )
    found = batches(augmentation=augmentation)
    original = by_hand(noise())
    for number in range(4):
        images, seen = epoch(found, number)
        for image, i in zip(images.numpy(), seen, strict=True):
            mirrored = bool(found.flipped_first[i]) != (number % 2 == 1)
            np.testing.assert_allclose(
                image, original[i][..., ::-1] if mirrored else original[i], atol=2e-5
            )
    assert 0 < found.flipped_first.sum() < 20


# ---- resized crops: area, aspect, across and down are drawn from 0 to 1, and 0.5 is the usual one


def with_draws(monkeypatch, draws, grid, flip, side, smallest=1.0):
    """The grid for these draws."""
    with monkeypatch.context() as patch:
        patch.setattr(augment.torch, "rand", lambda *shape, generator: draws.expand(shape))
        return grid(flip, side, smallest, torch.Generator())


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_whole_area_is_the_identity_and_a_flip_mirrors_exactly(monkeypatch, mirrored):
    flip = torch.tensor([mirrored] * 5)
    grid = with_draws(monkeypatch, torch.full((4, 5), 0.5), resized_crop_grid, flip, SIDE)
    images = noise(5).float()
    found = F.grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    torch.testing.assert_close(
        found, images.flip(3) if mirrored else images, atol=1e-3, rtol=0
    )  # of 255


def test_a_flip_mirrors_the_grid_exactly():
    none, all_flipped = torch.zeros(9, dtype=torch.bool), torch.ones(9, dtype=torch.bool)
    plain, mirrored = (
        resized_crop_grid(flip, SIDE, 0.3, torch.Generator().manual_seed(5))
        for flip in (none, all_flipped)
    )
    torch.testing.assert_close(mirrored, plain.flip(2), atol=1e-6, rtol=0)


def crops(grid: torch.Tensor) -> torch.Tensor:
    """Left, top, width and height of each crop as shares of the picture, from the outermost
    sampling points.
    """
    n = grid.shape[1]
    left, right = grid[:, 0, 0, 0], grid[:, 0, -1, 0]
    top, bottom = grid[:, 0, 0, 1], grid[:, -1, 0, 1]
    width, height = (right - left).abs() / 2 * n / (n - 1), (bottom - top) / 2 * n / (n - 1)
    across, down = ((a + b + 2) / 4 for a, b in ((left, right), (top, bottom)))  # the middle
    return torch.stack([across - width / 2, down - height / 2, width, height])


@pytest.mark.parametrize("smallest", [0.05, 0.35, 0.7])
def test_crops_lie_inside_with_area_and_aspect_in_their_ranges(smallest):
    flip = torch.arange(4000) % 2 == 1
    x, y, width, height = crops(
        resized_crop_grid(flip, 8, smallest, torch.Generator().manual_seed(2))
    )
    assert min(x.min(), y.min()) >= -1e-5
    assert max((x + width).max(), (y + height).max()) <= 1 + 1e-5
    area, aspect = width * height, width / height
    assert smallest - 1e-4 <= area.min() < smallest + 0.02
    assert 0.95 < area.max() <= 1 + 1e-4
    assert 3 / 4 - 1e-4 <= aspect.min() < 0.77
    assert 1.3 < aspect.max() <= 4 / 3 + 1e-4


def test_a_resized_crop_samples_the_picture_where_arithmetic_says(monkeypatch):
    draws = torch.tensor([[0.25], [0.5], [1.0], [0.0]])  # a quarter of the area, square, right, top
    grid = with_draws(monkeypatch, draws, resized_crop_grid, torch.tensor([False]), 8, smallest=0.0)
    images = noise(1).float()
    found = F.grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    torch.testing.assert_close(
        found, images[..., :8, 8:], atol=1e-3, rtol=0
    )  # half a side, pixel by pixel


def test_resized_crops_have_the_epochs_side():
    found = batches(augmentation="resized-crop", side_first=16, side_last=48, epochs=3)
    assert [epoch(found, number)[0].shape[2:] for number in range(3)] == [
        (16, 16),
        (32, 32),
        (48, 48),
    ]
