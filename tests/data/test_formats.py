import json
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from resviz.data.images import MAX_BYTES, decode
from resviz.errors import ImageError
from tests.data.fuzz import attempt, flaw
from tests.data.pictures import WHOLE, H, W, chunk, encode, png, scene, see_through, tiff

ROOT = Path(__file__).parents[2]


def refusal(data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data)
    return str(caught.value)


# Limits, from the header alone


def jpeg_of(size: tuple[int, int]) -> bytes:
    file = bytearray(encode(scene(), "JPEG"))
    at = file.index(b"\xff\xc0") + 5
    file[at : at + 4] = struct.pack(">HH", size[1], size[0])
    return bytes(file)


def descriptor(file: bytes | bytearray) -> int:
    """Where the first frame of a GIF is described."""
    return file.index(b",", 13 + 3 * 2 ** ((file[10] & 7) + 1))


def gif_of(size: tuple[int, int]) -> bytes:
    file = bytearray(encode(scene("P"), "GIF"))
    file[6:10] = struct.pack("<HH", *size)
    at = descriptor(file) + 5
    file[at : at + 4] = struct.pack("<HH", *size)
    return bytes(file)


def bmp_of(size: tuple[int, int]) -> bytes:
    file = bytearray(encode(scene(), "BMP"))
    file[18:26] = struct.pack("<ii", size[0], -size[1])
    return bytes(file)


def webp_of(size: tuple[int, int]) -> bytes:
    file = bytearray(encode(see_through(), "WEBP"))
    file[24:30] = (size[0] - 1).to_bytes(3, "little") + (size[1] - 1).to_bytes(3, "little")
    return bytes(file)


CLAIM = {
    "PNG": lambda size: png(size, 8, 2, [b""]),
    "JPEG": jpeg_of,
    "GIF": gif_of,
    "BMP": bmp_of,
    "WebP": webp_of,
    "TIFF": lambda size: tiff(bytes(100), {256: size[0], 257: size[1], 258: 8}),
}


@pytest.fixture
def no_decoder(monkeypatch):
    """From here on opening a file with Pillow is a failure of the test."""

    def fail(*_args, **_options):
        pytest.fail("a decoder ran on a file that its header condemns")

    monkeypatch.setattr(Image, "open", fail)


@pytest.mark.parametrize("kind", CLAIM)
@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((11_000, 11_000), ("11,000 x 11,000", "121.00 megapixels", " is the limit")),
        ((15, 20), ("15 x 20", "16 to 12,000")),
        ((400, 12), ("400 x 12", "16 to 12,000")),
        ((1000, 12_001), ("1,000 x 12,001", "16 to 12,000")),
        ((2001, 100), ("2,001 x 100", "20:1 is the limit")),
        ((100, 4000), ("100 x 4,000", "40:1", "20:1 is the limit")),
    ],
)
def test_a_size_beyond_the_limits_is_refused_before_decoding(kind, size, words, no_decoder):
    message = refusal(CLAIM[kind](size))
    assert all(word in message for word in words), message


@pytest.mark.parametrize("kind", CLAIM)
def test_24_megapixels_are_the_limit_and_64_for_a_jpeg_that_can_be_shrunk(kind, no_decoder):
    size, limit = ((8001, 8000), 64) if kind == "JPEG" else ((6000, 4001), 24)
    message = refusal(CLAIM[kind](size))
    assert f"{size[0] * size[1] / 1e6:.2f} megapixels, and {limit} is the limit" in message


def test_a_photo_of_50_megapixels_is_shown_at_half_its_size_and_says_so():
    small = scene().resize((816, 612))
    large = encode(small.resize((8160, 6120), Image.Resampling.NEAREST), "JPEG", quality=95)
    picture = decode(large)
    assert picture.original_size == (8160, 6120)
    assert picture.image.size == (4080, 3060)
    assert "Scaled down from 8,160 x 6,120 pixels." in picture.notes
    expected = np.asarray(small, np.float32)
    ours = np.asarray(picture.image.resize(small.size, Image.Resampling.BOX), np.float32)
    assert np.abs(ours - expected).mean() < 3


def test_a_progressive_jpeg_is_not_shrunk_while_it_is_decoded_and_keeps_the_lower_limit():
    file = encode(scene().resize((6000, 4001)), "JPEG", progressive=True)
    assert "24 is the limit" in refusal(file)


def test_an_avif_is_judged_by_its_frames_not_by_the_size_it_wants_to_be_shown_in(no_decoder):
    file = encode(Image.new("L", (13_000, 64)), "AVIF", speed=10)
    at = file.index(b"ispe") + 8
    assert struct.unpack(">II", file[at : at + 8]) == (13_000, 64)
    assert "13,000 x 64" in refusal(file[:at] + struct.pack(">II", 64, 64) + file[at + 8 :])


def test_the_frame_of_a_gif_counts_where_it_is_larger_than_the_screen(no_decoder):
    file = bytearray(encode(scene("P"), "GIF"))
    at = descriptor(file) + 5
    file[at : at + 4] = struct.pack("<HH", 60_000, 60_000)
    assert "3,600.00 megapixels" in refusal(bytes(file))


@pytest.mark.parametrize("size", [(16, 16), (16, 320), (2000, 100), (12_000, 600), (12_000, 2000)])
def test_the_limits_themselves_are_allowed(size):
    assert decode(encode(Image.new("L", size), "PNG")).image.size == size


def test_the_number_of_bytes_is_limited(no_decoder):
    assert refusal(b"") == "The file is empty; choose a PNG or JPEG picture."
    message = refusal(encode(scene(), "PNG") + bytes(MAX_BYTES))
    assert "26,214,400 (25 MB) is the limit" in message
    assert f"{MAX_BYTES + len(encode(scene(), 'PNG')):,} bytes" in message


def test_25_megabytes_exactly_are_allowed():
    file = encode(scene(), "PNG")
    assert decode(file + bytes(MAX_BYTES - len(file))).image.size == (W, H)


# Damage


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_that_ends_early_is_refused_wherever_it_ends(kind):
    whole = WHOLE[kind]
    decode(whole)
    for end in {*np.linspace(20, len(whole) - 1, 60).astype(int).tolist(), len(whole) - 1}:
        message = refusal(whole[:end])
        assert (
            f"The {kind.split()[0]} file is damaged or incomplete" in message
            or "none of the kinds" in message
        ), end


def test_a_wrong_checksum_is_damage():
    header_sum = 8 + 4 + 4 + 13
    whole = bytearray(WHOLE["PNG"])
    whole[header_sum] ^= 1
    assert "damaged" in refusal(bytes(whole))


def test_numbered_colours_without_a_list_of_them_are_damage():
    assert "damaged" in refusal(png((W, H), 8, 3, [bytes(W)] * H))


# Files that are small and ask for much


def scans(count: int = 89) -> bytes:
    file = encode(Image.new("L", (3000, 3000), 90), "JPEG", progressive=True)
    return file[:-2] + file[file.rindex(b"\xff\xda") : -2] * count + file[-2:]


def segments() -> bytes:
    file = encode(scene(), "JPEG")
    return file[:2] + b"\xff\xe5\0\2" * 2_500_000 + file[2:]


def texts() -> bytes:
    file = encode(scene(), "PNG")
    return file[:33] + chunk(b"tEXt", b"a\0b") * 600_000 + file[33:]


def packed_texts() -> bytes:
    file = encode(scene(), "PNG")
    return file[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000))) * 50 + file[33:]


def profile() -> bytes:
    file = encode(scene(), "PNG")
    return file[:33] + chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(100_000_000))) + file[33:]


def comment() -> bytes:
    file = encode(scene("P"), "GIF")
    at = descriptor(file)
    return file[:at] + b"\x21\xfe" + (b"\x01a") * 4_000_000 + b"\0" + file[at:]


def frames() -> bytes:
    return encode(scene("P"), "GIF")[:-1] + (b",\0\0\0\0\1\0\1\0\0\2\2\x44\1\0" * 500_000) + b";"


def pages() -> bytes:
    file, size = b"II*\0" + struct.pack("<I", 8), 2 + 12 * 8 + 4
    values = {256: W, 257: H, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 279: W * H}
    rows = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    return file + b"".join(
        struct.pack("<H", 8) + rows + struct.pack("<I", 8 + size * (i + 1)) for i in range(100_000)
    )


def strips() -> bytes:
    blob = zlib.compress(bytes(2000)) + bytes(9_000_000)
    layout = {
        256: 2000,
        257: 12_000,
        258: 8,
        259: 8,
        278: 1,
        273: [8] * 12_000,
        279: [len(blob)] * 12_000,
    }
    return tiff(blob, layout)


def tile() -> bytes:
    return tiff(
        zlib.compress(bytes(9)),
        {256: W, 257: H, 258: 8, 259: 8, 322: 60_000, 323: 60_000, 324: 8, 325: 17},
    )


def tiny_tiles() -> bytes:
    return tiff(
        bytes(99),
        {256: 4800, 257: 4800, 258: 8, 322: 1, 323: 1, 324: [8] * 150_000, 325: [1] * 150_000},
    )


def tags() -> bytes:
    return tiff(
        bytes(W * H), {256: W, 257: H, 258: 8} | {tag: [0, 0] for tag in range(1000, 31_000)}
    )


def jpeg_strips() -> bytes:
    file = scans()
    return tiff(file, {256: 3000, 257: 3000, 258: 8, 259: 7, 278: 3000})


def runs() -> bytes:
    body = (b"\2\1" * 3000 + b"\0\0") * 1400
    info = struct.pack("<IiiHHIIiiII", 40, 6000, 4000, 1, 8, 1, len(body), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 1078) + info + bytes(1024) + body


def animated_canvas() -> bytes:
    file = bytearray(encode(scene(), "WEBP", save_all=True, append_images=[scene().rotate(90)]))
    file[24:30] = (16_383).to_bytes(3, "little") + (9999).to_bytes(3, "little")
    return bytes(file)


def boxes() -> bytes:
    return encode(scene(), "AVIF") + b"\0\0\0\x08free" * 1_200_000


def nested_boxes() -> bytes:
    return encode(scene(), "AVIF") + b"".join(
        struct.pack(">I", 8 * (9000 - i)) + b"moov" for i in range(9000)
    )


SHOWN = ""
BOMBS = {
    packed_texts: SHOWN,
    profile: SHOWN,
    comment: SHOWN,
    frames: SHOWN,
    pages: SHOWN,
    tags: SHOWN,
    nested_boxes: SHOWN,
    scans: "is built of 95 scans",
    segments: "damaged",
    texts: "damaged",
    strips: "damaged",
    boxes: "damaged",
    tile: "60000 x 60000 pixels",
    tiny_tiles: "cut into 23,040,000 pieces",
    jpeg_strips: "95 JPEG scans",
    runs: "8,403,878 bytes, and 1 MB is the limit",
    animated_canvas: "16,384 x 10,000",
}


@pytest.mark.parametrize(("bomb", "words"), BOMBS.items(), ids=[bomb.__name__ for bomb in BOMBS])
def test_a_bomb_costs_less_than_a_second(bomb, words):
    file = bomb()
    assert len(file) <= MAX_BYTES
    start = time.process_time()
    result = attempt(file)
    assert time.process_time() - start < 1
    assert flaw(result) is None
    assert isinstance(result, ImageError) == bool(words)
    assert words in str(result)


def test_the_scans_that_progressive_encoders_write_are_allowed():
    assert decode(scans(10)).image.size == (3000, 3000)
    assert "scans" in refusal(scans(60))


def test_the_largest_picture_stays_below_500_mb():
    code = (
        "import resource, sys; from resviz.data.images import decode; data = "
        "sys.stdin.buffer.read();"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; assert "
        "decode(data).image.size == (6000, 4000);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    file = encode(Image.new("RGBA", (6000, 4000), (90, 60, 30, 99)), "PNG", compress_level=1)
    done = subprocess.run(
        [sys.executable, "-c", code], input=file, capture_output=True, check=True, cwd=ROOT
    )
    assert int(done.stdout) < 500 * 1024


# Bytes at random


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([file[:40] for file in WHOLE.values()]), st.binary(max_size=400))
def test_any_bytes_after_a_true_beginning_give_a_picture_or_a_refusal(start, rest):
    assert flaw(attempt(start + rest)) is None


@pytest.fixture(scope="module")
def report() -> dict:
    """20,000 damaged files, decoded in a process of its own in which every warning is an error."""
    command = [sys.executable, "-W", "error", "-m", "tests.data.fuzz", "20000", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def test_20_000_damaged_files_give_pictures_and_refusals_and_nothing_else(report):
    assert report["failures"] == []
    assert (
        report["files"]
        == 20_000
        == sum(report["pictures"].values()) + sum(report["refusals"].values())
    )


def test_the_damage_leaves_pictures_of_every_format_and_finds_refusals_of_every_sort(report):
    assert set(report["pictures"]) == {"PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF", "AVIF"}
    assert min(report["pictures"].values()) >= 50
    reasons = [
        "kinds",
        "looks",
        "picture",
        *(f"{kind} file is damaged" for kind in report["pictures"]),
    ]
    assert not [
        reason for reason in reasons if not any(reason in words for words in report["refusals"])
    ]


def test_no_damaged_file_takes_a_second_or_500_mb(report):
    assert report["slowest"] < 1, report["slowest_file"]
    assert report["growth"] < 500 * 1024
