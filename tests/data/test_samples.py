import io
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from PIL import Image

import resviz.data
from resviz.data import samples
from resviz.data.images import decode
from resviz.errors import ImageError

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
    (row,) = [row for row in (ASSETS / "LICENSES.md").read_text("utf-8").splitlines() if f"`{sample.file}`" in row]
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
