"""None"""

import hashlib
import itertools
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resviz.data.images import decode, open_file
from resviz.errors import ImageError
from tests.data.pictures import WHOLE, H, W, chunk, encode, scene
from tests.data.test_modes import pixels, refusal, worst

ROOT = Path(__file__).parents[2]


LOSSLESS = [
    *itertools.product(["PNG", "TIFF", "BMP"], ["1", "L", "P", "RGB"], [{}]),
    *itertools.product(
        ["TIFF"], ["RGB", "L"], [{"compression": name} for name in ("tiff_lzw", "zstd", "packbits")]
    ),
    ("TIFF", "RGB", {"compression": "tiff_adobe_deflate", "tile": (16, 16)}),
    ("TIFF", "RGB", {"big_tiff": True}),
    ("TIFF", "1", {"compression": "group4"}),
    ("GIF", "P", {}),
    ("GIF", "L", {}),
    ("GIF", "1", {}),
    ("WEBP", "RGB", {"lossless": True}),
]


@pytest.mark.parametrize(("file_format", "mode", "options"), LOSSLESS)
def test_lossless_formats_give_every_pixel_back(file_format, mode, options):
    picture = decode(encode(scene(mode), file_format, **options))
    assert picture.format == {"WEBP": "WebP"}.get(file_format, file_format)
    assert picture.image.mode == "RGB"
    assert picture.notes == ()
    assert worst(np.asarray(picture.image), scene(mode).convert("RGB")) == 0


LOSSY = [
    ("JPEG", "RGB", {"quality": 95}),
    ("JPEG", "RGB", {"quality": 95, "progressive": True}),
    ("JPEG", "L", {"quality": 95}),
    ("WEBP", "RGB", {"quality": 95}),
    ("AVIF", "RGB", {"quality": 95}),
    ("TIFF", "RGB", {"compression": "jpeg", "quality": 95}),
]


@pytest.mark.parametrize(("file_format", "mode", "options"), LOSSY)
def test_lossy_formats_come_close(file_format, mode, options):
    found = pixels(encode(scene(mode), file_format, **options))
    assert np.abs(found.astype(int) - np.asarray(scene(mode).convert("RGB")).astype(int)).mean() < 4


STORED = {  # orientation -> how a picture that is upright lies in the file
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_exif_orientation_is_turned_upright(file_format, orientation):
    upright = np.asarray(scene())
    lies = np.ascontiguousarray(STORED[orientation](upright))
    exif = Image.Exif()
    exif[0x112] = orientation
    fine = {"JPEG": {"quality": 98}, "AVIF": {"quality": 98}, "WEBP": {"lossless": True}}.get(
        file_format, {}
    )
    picture = decode(encode(Image.fromarray(lies), file_format, exif=exif, **fine))
    assert picture.image.size == (W, H)
    assert picture.original_size == (lies.shape[1], lies.shape[0])
    assert np.abs(np.asarray(picture.image).astype(int) - upright).mean() < 4
    assert picture.notes == (
        ("Turned upright as the camera noted (EXIF).",) if orientation > 1 else ()
    )


@pytest.mark.parametrize(
    "exif",
    [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff" + bytes(40), bytes(99)],
)
def test_broken_exif_costs_the_turning_not_the_picture(exif):
    plain = encode(scene(), "JPEG")
    body = b"Exif\0\0" + exif
    noted = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + plain[2:]
    assert worst(pixels(noted), decode(plain).image) == 0
    assert (
        worst(
            pixels(
                encode(scene(), "PNG")[:33] + chunk(b"eXIf", exif) + encode(scene(), "PNG")[33:]
            ),
            scene(),
        )
        == 0
    )


def test_broken_exif_in_an_avif_costs_nothing():
    exif = Image.Exif()
    exif[0x10E] = "a title that lies beyond the directory"
    file = encode(scene(), "AVIF", exif=exif)
    at = file.index(b"MM\0*") + 8
    broken = file[:at] + b"\xff\xff" + file[at + 2 :]
    assert worst(pixels(broken), decode(file).image) == 0


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_of_an_animation_the_first_frame_is_shown(file_format):
    frames = [scene("P" if file_format == "GIF" else "RGB").rotate(angle) for angle in (0, 90, 180)]
    exact = (
        {"lossless": True}
        if file_format == "WEBP"
        else {"quality": 98}
        if file_format == "AVIF"
        else {}
    )
    picture = decode(
        encode(
            frames[0], file_format, save_all=True, append_images=frames[1:], duration=50, **exact
        )
    )
    assert (
        np.abs(np.asarray(picture.image).astype(int) - np.asarray(frames[0].convert("RGB"))).mean()
        < 4
    )
    assert picture.notes == ("The first of 3 frames is shown.",)


@pytest.mark.parametrize("file_format", ["TIFF", "MPO"])
def test_of_several_pages_or_views_the_first_is_shown(file_format):
    picture = decode(
        encode(scene(), file_format, save_all=True, append_images=[scene().rotate(90)])
    )
    assert np.abs(np.asarray(picture.image).astype(int) - np.asarray(scene())).mean() < 8
    assert picture.notes == ("The first of several pictures in the file is shown.",)
    assert picture.format == {"MPO": "JPEG"}.get(file_format, file_format)


def test_a_small_first_frame_of_a_gif_lies_on_a_screen_of_full_size():
    file = bytearray(encode(scene("P").crop((0, 0, 20, 20)), "GIF"))
    file[6:10] = struct.pack("<HH", W, H)
    assert decode(bytes(file)).image.size == (W, H)


def test_the_name_of_a_file_does_not_matter(tmp_path):
    (tmp_path / "holiday.pdf").write_bytes(encode(scene(), "PNG"))
    (tmp_path / "holiday.png").write_bytes(b"%PDF-1.7\n%\xe2\xe3")
    assert open_file(tmp_path / "holiday.pdf").format == "PNG"
    with pytest.raises(ImageError, match="looks like a PDF"):
        open_file(tmp_path / "holiday.png")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF"])
def test_a_file_that_is_two_things_is_the_picture_it_begins_with(file_format):
    picture = encode(scene("P" if file_format == "GIF" else "RGB"), file_format)
    for tail in (b"PK\x03\x04" + bytes(50), b"<script>alert(1)</script>", encode(scene(), "BMP")):
        assert worst(pixels(picture + tail), decode(picture).image) == 0


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"%PDF-1.4", "a PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG"),
        (b"<?xml version='1.0'?>\n<!-- drawn -->\n<svg/>", "an SVG"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><html>", "HTML"),
        (b"PK\x03\x04\x14\0", "a zip"),
        (b"\x1f\x8b\x08", "a gzip"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1", "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
        (b"8BPS\0\1", "a Photoshop"),
        (b"\0\0\1\0\1\0", "icon"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL"),
        (b"BMW is a maker of cars.", "a text"),
        ("Grüße, ein Text".encode(), "a text"),
        (b'{"json": true}', "a text"),
        (b"\x93NUMPY\1\0", "a NumPy array"),
    ],
)
def test_other_files_are_named_with_the_way_out(start, name):
    message = refusal(start)
    assert name in message
    assert message.endswith("save it as PNG or JPEG.")


@pytest.mark.parametrize(
    "data", [b"\0", bytes(1000), b"\x80\x81\x82\x83", b"P6 20 20 255\n" + b"\xff\0" * 600]
)
def test_unknown_bytes_are_told_what_can_be_read(data):
    assert "PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF" in refusal(data)


def test_a_picture_tells_where_it_comes_from_and_cannot_be_changed():
    file = encode(scene(), "PNG")
    picture = decode(file)
    assert picture.sha256 == hashlib.sha256(file).hexdigest()
    assert picture.original_size == (W, H)
    with pytest.raises(FrozenInstanceError):
        picture.format = "JPEG"


def test_open_file_reads_what_decode_reads(tmp_path):
    path = tmp_path / "scene"
    path.write_bytes(encode(scene(), "PNG"))
    assert worst(np.asarray(open_file(path).image), scene()) == 0


def test_a_path_that_leads_to_no_picture_is_explained(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(50_000_000)
    cases = {
        tmp_path / "missing.png": "There is no file",
        tmp_path: "is a folder",
        tmp_path / "large": "50,000,000 bytes",
        Path("nul\0byte"): "cannot be read",
        Path("x" * 5000): "cannot be read",
        Path("/dev/null"): "not an ordinary file",
    }
    for path, words in cases.items():
        with pytest.raises(ImageError, match=words):
            open_file(path)


def test_a_file_that_may_not_be_read_is_explained(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "secret").write_bytes(b"x")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ImageError, match="Permission denied"):
        open_file(tmp_path / "secret")


def test_threads_do_not_disturb_each_other():
    files = [*WHOLE.values(), *WHOLE.values()]
    alone = [pixels(file) for file in files]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(pixels, files))
    assert all((a == b).all() for a, b in zip(alone, together, strict=True))


def test_the_module_brings_neither_torch_nor_streamlit():
    code = (
        "import sys, resviz.data.images; print([m for m in ('torch', 'streamlit', 'plotly') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_a_picture_of_one_colour_says_so():
    plain, spot = Image.new("RGB", (32, 32), "teal"), Image.new("RGB", (32, 32), "teal")
    spot.putpixel((31, 31), (0, 0, 0))
    assert "one single colour" in decode(encode(plain, "PNG")).notes[-1]
    assert decode(encode(spot, "PNG")).notes == ()
