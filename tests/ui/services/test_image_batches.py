"""Batches of pictures as a model receives them, and what makes two of them the same."""

from pathlib import Path

import numpy as np
import pytest

from resviz.data import samples
from resviz.data.images import decode
from resviz.models import zoo
from resviz.ui.services import image_batches
from resviz.ui.services.subject import Subject

SMALL = "new/residual-8?width=4"


@pytest.fixture
def subject() -> Subject:
    return Subject(SMALL, decode(samples.read(samples.SAMPLES[0].key)), "the photo")


def test_samples_are_the_model_s_views_of_them(subject: Subject) -> None:
    batch = image_batches.of(subject, "samples")
    preprocess = zoo.load(SMALL).preprocess
    for pixels, sample in zip(batch.pixels, samples.SAMPLES, strict=True):
        expected = np.array(preprocess.view(decode(samples.read(sample.key)).image))
        np.testing.assert_array_equal(pixels.transpose(1, 2, 0), expected)


def test_the_photo_alone_is_a_batch_of_one_under_its_title(subject: Subject) -> None:
    batch = image_batches.of(subject, "photo")
    assert batch.titles == ("the photo",)
    assert batch.pixels.shape == (1, 3, 32, 32)
    assert batch != image_batches.of(subject, "samples")
    assert batch == image_batches.of(subject, "photo")


@pytest.mark.parametrize(
    ("model", "first"),
    [
        ("bundled/resnet20-digits", ("data",)),
        ("bundled/resnet20-cifar10", ("samples",)),
        (SMALL, ("samples", "data")),
    ],
)
def test_sources_that_do_not_fit_the_model_are_not_offered(
    home: Path, model: str, first: tuple[str, ...]
) -> None:
    assert image_batches.sources(model) == (*first, "photo", "uploads", "noise")
    assert bool(image_batches.missing_dataset(model)) is ("data" not in first)


def test_a_corruption_makes_another_batch_and_none_keeps_the_pixels(subject: Subject) -> None:
    clean = image_batches.of(subject, "noise")
    inverted = image_batches.corrupted(clean, "invert", 3)
    np.testing.assert_array_equal(inverted.pixels, 255 - clean.pixels)
    assert inverted != clean
    np.testing.assert_array_equal(image_batches.corrupted(clean, "none", 3).pixels, clean.pixels)


def test_a_part_of_a_dataset_and_its_stand_in_share_no_picture() -> None:
    first, others = image_batches.of_dataset(SMALL, "digits")
    assert len(first.titles) == len(first.pixels) == image_batches.PICTURES
    assert first != others
    hashes = [{picture.tobytes() for picture in batch.pixels} for batch in (first, others)]
    assert not hashes[0] & hashes[1]


def test_a_batch_is_normalised_as_the_model_normalises_each_picture(subject: Subject) -> None:
    batch = image_batches.of(subject, "samples")
    preprocess = zoo.load(SMALL).preprocess
    for pixels, row in zip(batch.pixels, image_batches.tensor(SMALL, batch), strict=True):
        expected = preprocess.tensor(pixels.transpose(1, 2, 0))
        np.testing.assert_allclose(row, expected, rtol=1e-5, atol=1e-6)


def test_thumbnails_are_one_address_for_each_picture(subject: Subject) -> None:
    batch = image_batches.of(subject, "noise")
    addresses = image_batches.thumbnails(batch)
    assert len(addresses) == image_batches.NOISES
    assert all(address.startswith("data:image/") for address in addresses)
