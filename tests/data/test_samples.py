import io
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import resviz.data
from resviz.data import datasets, samples
from resviz.data.images import decode
from resviz.errors import ImageError
from resviz.models import zoo
from resviz.probes.core.prediction import predict

ASSETS = Path(resviz.data.__file__).parent / "assets"


@pytest.mark.parametrize("sample", samples.SAMPLES, ids=lambda sample: sample.key)
def test_every_sample_is_a_small_jpeg_that_decodes_without_remarks(sample):
    data = samples.read(sample.key)
    picture = decode(data)
    assert len(data) < 80_000
    assert picture.format == "JPEG"
    assert max(picture.image.size) <= 512
    assert min(picture.image.size) >= 224
    assert picture.notes == ()


@pytest.mark.parametrize("sample", samples.SAMPLES, ids=lambda sample: sample.key)
def test_no_sample_carries_metadata(sample):
    with Image.open(io.BytesIO(samples.read(sample.key))) as image:
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert not image.getexif()


@pytest.mark.parametrize("sample", samples.SAMPLES, ids=lambda sample: sample.key)
def test_the_licence_of_every_sample_is_free_and_listed(sample):
    (row,) = [
        row
        for row in (ASSETS / "LICENSES.md").read_text("utf-8").splitlines()
        if f"`{sample.file}`" in row
    ]
    assert sample.licence in {"CC0 1.0", "CC BY 2.0", "public domain"}
    assert f"| {sample.licence}" in row
    assert len([cell for cell in row.strip("|").split("|") if cell.strip()]) == 5
    assert sample.title
    assert sample.credit


def test_photos_and_samples_are_the_same_set_with_distinct_keys():
    photos = {path.name for path in (ASSETS / "photos").iterdir()}
    assert photos == {sample.file for sample in samples.SAMPLES}
    assert len({sample.key for sample in samples.SAMPLES}) == len(samples.SAMPLES) >= 8
    assert sum((ASSETS / "photos" / name).stat().st_size for name in photos) < 1_000_000


def test_an_unknown_key_names_the_choices():
    with pytest.raises(ImageError) as caught:
        samples.read("tiger")
    message = str(caught.value)
    assert "'tiger'" in message
    assert all(sample.key in message for sample in samples.SAMPLES)


def test_a_key_is_no_path():
    with pytest.raises(ImageError):
        samples.read("../LICENSES.md")


def test_a_sample_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        samples.SAMPLES[0].title = "another"


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_is_the_test_image_with_its_pixels_enlarged_and_both_networks_know_it(digit):
    data = samples.read(f"digit-{digit}")
    picture = decode(data)
    assert picture.format == "PNG"
    small = np.asarray(picture.image)[8::16, 8::16]
    test = datasets.load("digits", 8, test_only=True).test
    (found,) = (test.images.permute(0, 2, 3, 1).numpy() == small).all((1, 2, 3)).nonzero()[0]
    assert test.targets[found] == digit
    for name in ("resnet20-digits", "plain20-digits"):
        loaded = zoo.load(f"bundled/{name}")
        assert predict(loaded.model, loaded.preprocess(picture.image)[None], loaded.labels).top[
            0
        ].label == str(digit)


def test_only_networks_for_tiny_images_are_offered_digits():
    assert samples.offered(224) == samples.offered(32) == samples.SAMPLES
    assert samples.offered(8) == (*samples.DIGITS, *samples.SAMPLES)
