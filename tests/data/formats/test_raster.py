"""Sizes of GIF, BMP and WebP stand at fixed places; the oracle is the picture that was saved."""

import io

import numpy as np
import pytest
from PIL import Image

from resviz.data.formats import raster
from tests.data.pictures import H, W, encode, scene, see_through


def test_a_gif_keeps_its_first_frame_and_counts_the_others():
    frames = [scene("P"), scene("P").rotate(90)]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:], comment=b"secret")
    header = raster.read_gif(data)
    assert (header.size, header.frames) == ((W, H), 2)
    assert b"secret" not in header.file
    whole, kept = (Image.open(io.BytesIO(d)) for d in (data, header.file))
    assert np.array_equal(np.asarray(whole.convert("RGB")), np.asarray(kept.convert("RGB")))
    assert getattr(kept, "n_frames", 1) == 1


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_a_bmp_tells_its_size_in_either_direction(mode):
    data = bytearray(encode(scene(mode), "BMP"))
    assert raster.read_bmp(bytes(data)).size == (W, H)
    data[22:26] = (-H).to_bytes(4, "little", signed=True)
    assert raster.read_bmp(bytes(data)).size == (W, H)


@pytest.mark.parametrize(
    ("picture", "options", "chunk"),
    [
        (scene(), {}, b"VP8 "),
        (scene(), {"lossless": True}, b"VP8L"),
        (see_through(), {}, b"VP8X"),
    ],
)
def test_a_webp_of_each_kind_tells_its_size(picture, options, chunk):
    data = encode(picture, "WEBP", **options)
    assert data[12:16] == chunk
    assert raster.read_webp(data).size == picture.size


def test_a_webp_without_a_frame_is_damage():
    with pytest.raises(ValueError, match="no WebP frame"):
        raster.read_webp(b"RIFF\x20\0\0\0WEBPALPH" + bytes(20))
