"""The one tag of EXIF that is needed; the oracle is Pillow, which writes it."""

import pytest
from PIL import Image

from resviz.data.formats.header import orientation


def exif(value, **others):
    tags = Image.Exif()
    tags[0x112] = value
    for tag in others:
        tags[int(tag[1:])] = others[tag]
    return tags.tobytes()


@pytest.mark.parametrize("value", range(1, 9))
def test_the_orientation_is_read_in_both_byte_orders(value):
    little = exif(value)
    assert orientation(little) == value
    big = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + bytes([0, value, 0, 0]) + bytes(4)
    assert orientation(big) == orientation(b"Exif\0\0" + big) == value


def test_other_tags_do_not_matter():
    assert orientation(exif(6, t271="maker", t272="model", t306="2026:01:01 00:00:00")) == 6


@pytest.mark.parametrize("value", [0, 9, 65_535])
def test_an_orientation_that_does_not_exist_is_upright(value):
    assert orientation(exif(value)) == 1


@pytest.mark.parametrize(
    "notes", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"Exif\0\0MM", b"?" * 40]
)
def test_broken_notes_are_upright(notes):
    assert orientation(notes) == 1
