"""A JPEG is stripped to tables and scans; the oracle is Pillow's decoding of the whole file."""

import io

import numpy as np
import pytest
from PIL import Image

from resviz.data.formats import jpeg
from tests.data.pictures import H, W, encode, scene


def turned(orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_what_is_kept_decodes_to_the_same_picture(mode, progressive):
    data = encode(scene(mode), "JPEG", progressive=progressive, comment=b"secret")
    header = jpeg.read(data)
    assert header.size == (W, H)
    assert b"secret" not in header.file
    whole, kept = (np.asarray(Image.open(io.BytesIO(d))) for d in (data, header.file))
    assert np.array_equal(whole, kept)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_camera_says_how_it_was_held(orientation):
    data = encode(scene(), "JPEG", exif=turned(orientation))
    header = jpeg.read(data)
    assert header.orientation == orientation
    assert b"Exif" not in header.file


def test_a_file_of_several_views_says_so():
    assert jpeg.read(encode(scene(), "JPEG")).frames == 1
    views = encode(scene(), "MPO", save_all=True, append_images=[scene().rotate(90)])
    assert jpeg.read(views).frames == 0


def test_what_follows_the_first_picture_is_cut_off():
    data = encode(scene(), "JPEG")
    assert jpeg.read(data + b"more" * 100).file == jpeg.read(data).file
