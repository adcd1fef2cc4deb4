"""A TIFF keeps the tags of its first page; the oracle is Pillow's decoding of the whole file."""

import io

import numpy as np
import pytest
from PIL import Image

from resviz.data.formats import tiff
from tests.data.pictures import H, W, encode, scene


@pytest.mark.parametrize(
    ("mode", "options", "depth"),
    [
        ("RGB", {}, 8),
        ("L", {"big_tiff": True}, 8),
        ("I;16", {}, 16),
        ("F", {}, 32),
        ("RGB", {"compression": "tiff_lzw"}, 8),
        ("RGB", {"compression": "tiff_adobe_deflate", "tile": (16, 16)}, 8),
        ("1", {"compression": "group4"}, 1),
    ],
)
def test_what_is_kept_decodes_to_the_same_picture(mode, options, depth):
    data = encode(scene(mode), "TIFF", software="secret program", **options)
    header = tiff.read(data)
    assert (header.size, header.depth, header.frames) == ((W, H), depth, 1)
    opened = [Image.open(io.BytesIO(d)) for d in (data, header.file)]
    assert np.array_equal(*(np.asarray(image) for image in opened))
    assert 305 in opened[0].tag_v2  # the software
    assert 305 not in opened[1].tag_v2


def test_more_pages_are_noticed_and_left_out():
    data = encode(scene("L"), "TIFF", save_all=True, append_images=[scene("L")])
    header = tiff.read(data)
    assert header.frames == 0
    assert Image.open(io.BytesIO(header.file)).n_frames == 1


def test_a_value_outside_the_file_is_damage():
    data = bytearray(encode(scene(), "TIFF"))
    strips = data.index((273).to_bytes(2, "little") + (4).to_bytes(2, "little"))
    data[strips + 4 : strips + 8] = (1000).to_bytes(4, "little")
    data[strips + 8 : strips + 12] = (len(data) - 4).to_bytes(4, "little")
    with pytest.raises(ValueError, match="contradicts the file"):
        tiff.read(bytes(data))
