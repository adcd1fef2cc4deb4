"""Files are told by how they begin; the oracle is whoever wrote them."""

import gzip
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from resviz.data.formats import magic
from tests.data.pictures import encode, scene


@pytest.mark.parametrize("kind", magic.READ)
def test_each_kind_that_pillow_writes_is_known(kind):
    file_format = {"WebP": "WEBP"}.get(kind, kind)
    mode = "P" if kind == "GIF" else "RGB"
    assert magic.kind(encode(scene(mode), file_format)) == kind


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", b"b")
    return file.getvalue()


def numpy_array():
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


def icon():
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "ICO")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (zipped(), "a zip archive or an Office document"),
        (gzip.compress(b"x"), "a gzip archive"),
        (numpy_array(), "a NumPy array"),
        (icon(), "a Windows icon"),
        (b"<?xml version='1.0'?><svg/>", "an SVG drawing"),
        (b"  <!DOCTYPE html><html>", "a web page (HTML)"),
        ("ein Text mit Umläuten: ä".encode(), "a text"),
        (b"\0\0\0\x18ftypheic" + bytes(20), "a HEIC picture"),
        (b"\0\0\0\x18ftypisom" + bytes(20), "a video"),
    ],
)
def test_what_people_drop_has_a_name(data, name):
    assert magic.kind(data) is None
    assert magic.looks_like(data) == name


def test_what_is_nothing_has_no_name():
    assert magic.looks_like(b"") is None
    assert magic.looks_like(bytes(range(256))) is None
    assert magic.kind(b"BM" + bytes(100)) is None
