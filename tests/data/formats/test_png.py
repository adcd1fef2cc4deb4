"""A PNG is stripped to what makes its picture; the oracle is the picture that was saved."""

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from resviz.data.formats import png
from tests.data.pictures import H, W, encode, scene


@pytest.mark.parametrize(("mode", "depth"), [("RGB", 8), ("L", 8), ("I;16", 16), ("1", 1)])
def test_size_and_depth_are_those_that_were_saved(mode, depth):
    header = png.read(encode(scene(mode), "PNG"))
    assert (header.format, header.size, header.depth) == ("PNG", (W, H), depth)


def test_texts_and_profiles_are_left_out_and_the_picture_stays():
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "secret" * 100, zip=True)
    data = encode(scene(), "PNG", pnginfo=texts, icc_profile=b"profile" * 50)
    header = png.read(data)
    assert b"Comment" in data
    assert b"zTXt" not in header.file
    assert b"iCCP" not in header.file
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(header.file))), np.asarray(scene()))


def test_frames_of_an_animation_are_counted_and_only_the_first_is_kept():
    data = encode(scene(), "PNG", save_all=True, append_images=[scene().rotate(90)] * 2)
    header = png.read(data)
    assert header.frames == 3
    assert b"fdAT" in data
    assert b"fdAT" not in header.file


def test_a_wrong_checksum_is_noticed():
    data = bytearray(encode(scene(), "PNG"))
    data[data.index(b"IHDR") + 5] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        png.read(bytes(data))
