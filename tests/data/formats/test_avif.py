"""An AVIF is judged by its AV1 frames; the oracle is the picture that was saved."""

import io
import struct

import pytest
from PIL import Image

from resviz.data.formats import avif
from tests.data.pictures import encode, scene, see_through


@pytest.mark.parametrize("size", [(64, 48), (333, 77), (1000, 16)])
def test_the_size_is_that_of_the_frame(size):
    assert avif.read(encode(scene().resize(size), "AVIF", speed=10)).size == size


def test_the_size_that_the_file_wants_to_be_seen_in_does_not_count():
    data = encode(scene().resize((128, 96)), "AVIF", speed=10)
    at = data.index(b"ispe") + 8
    assert struct.unpack(">II", data[at : at + 8]) == (128, 96)
    assert avif.read(data[:at] + struct.pack(">II", 16, 16) + data[at + 8 :]).size == (128, 96)


def test_transparency_and_animations_are_read_too():
    assert avif.read(encode(see_through(), "AVIF", speed=10)).size == see_through().size
    frames = [scene(), scene().rotate(90)]
    data = encode(frames[0], "AVIF", save_all=True, append_images=frames[1:], speed=10)
    assert avif.read(data).size == scene().size


def test_exif_is_hidden_from_the_decoder():
    exif = Image.Exif()
    exif[0x112] = 6
    header = avif.read(encode(scene(), "AVIF", exif=exif, speed=10))
    assert b"Exif" not in header.file
    assert Image.open(io.BytesIO(header.file)).format == "AVIF"


def test_a_box_larger_than_its_holder_is_damage():
    data = bytearray(encode(scene(), "AVIF", speed=10))
    at = data.index(b"meta") - 4
    data[at : at + 4] = struct.pack(">I", 2 * len(data))
    with pytest.raises(ValueError, match="larger than what holds it"):
        avif.read(bytes(data))
