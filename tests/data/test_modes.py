"""Every mode of a picture file becomes RGB by a formula that is written down here again."""

import struct

import numpy as np
import pytest
from PIL import Image

from resviz.data.images import decode
from resviz.errors import ImageError
from tests.data.pictures import H, W, chunk, encode, png, scene, see_through, tiff

GRAY16 = np.linspace(0, 65_535, H * W).astype(np.uint16).reshape(H, W)


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(decode(data).image)


def worst(a: np.ndarray, b: np.ndarray | Image.Image) -> int:
    """The largest difference of two pictures in one value."""
    return int(np.abs(a.astype(int) - np.asarray(b).astype(int)).max())


def refusal(data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data)
    return str(caught.value)


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb_by_the_formula_of_ink_on_white(file_format):
    c, m, y, k = (
        np.asarray(band).astype(int)
        for band in see_through().convert("RGB").convert("CMYK").split()
    )
    inks = Image.merge(
        "CMYK", [Image.fromarray((band // 2 + 20).astype(np.uint8)) for band in (c, m, y, k)]
    )
    c, m, y, k = (np.asarray(band).astype(int) for band in inks.split())
    by_hand = np.dstack([(255 - ink) * (255 - k) / 255 for ink in (c, m, y)])
    found = pixels(
        encode(
            inks,
            file_format,
            **({"quality": 100, "subsampling": 0} if file_format == "JPEG" else {}),
        )
    )
    assert np.abs(found - by_hand).max() <= (8 if file_format == "JPEG" else 1)


XYZ_TO_RGB = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)


def srgb_of(lab: np.ndarray) -> np.ndarray:
    """CIE L*a*b* under D50 -> sRGB in 0..255, with Lindbloom's matrix for XYZ under D50."""
    y = (lab[:, 0] + 16) / 116
    cubes = np.stack([y + lab[:, 1] / 500, y, y - lab[:, 2] / 200], 1)
    xyz = np.where(cubes > 6 / 29, cubes**3, (cubes - 4 / 29) * 3 * (6 / 29) ** 2) * (
        0.96422,
        1,
        0.82521,
    )
    linear = (xyz @ XYZ_TO_RGB.T).clip(0, 1)
    return 255 * np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)


def test_lab_becomes_rgb_where_colour_science_says():
    lab = np.array(
        [
            (100, 0, 0),
            (53, 0, 0),
            (20, 0, 0),
            (60, 40, 20),
            (60, -40, 30),
            (60, 10, -40),
            (80, 0, 50),
        ]
    )
    stored = np.stack([np.rint(255 * lab[:, 0] / 100), lab[:, 1] + 128, lab[:, 2] + 128], 1).astype(
        np.uint8
    )
    wide = stored[None].repeat(16, 0).repeat(16, 1)
    file = encode(
        Image.merge("LAB", [Image.fromarray(wide[..., band].copy()) for band in range(3)]), "TIFF"
    )
    assert np.abs(pixels(file)[0, ::16] - srgb_of(lab)).max() <= 3


def test_ycbcr_becomes_rgb_by_the_formula_of_jpeg():
    image = scene("YCbCr")
    y, cb, cr = (np.asarray(band).astype(float) for band in image.split())
    green = y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128)
    by_hand = np.dstack([y + 1.402 * (cr - 128), green, y + 1.772 * (cb - 128)])
    file = tiff(image.tobytes(), {256: W, 257: H, 258: [8, 8, 8], 262: 6, 277: 3, 530: [1, 1]})
    assert np.abs(pixels(file) - by_hand.clip(0, 255)).max() <= 2


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_16_bit_gray_is_divided_by_257(file_format):
    picture = decode(encode(Image.fromarray(GRAY16), file_format))
    assert worst(np.asarray(picture.image), np.rint(GRAY16 / 257)[..., None].repeat(3, 2)) == 0
    assert picture.notes == ("16-bit values were scaled to 8 bits.",)


def test_16_bit_gray_of_the_other_byte_order_and_of_inverted_scale():
    stored = GRAY16.astype(">u2").tobytes()
    assert (
        worst(pixels(tiff(stored, {256: W, 257: H, 258: 16}, ">"))[..., 0], np.rint(GRAY16 / 257))
        == 0
    )
    stored = GRAY16.astype("<u2").tobytes()
    assert (
        worst(
            pixels(tiff(stored, {256: W, 257: H, 258: 16, 262: 0}))[..., 1],
            255 - np.rint(GRAY16 / 257),
        )
        == 0
    )


def test_12_bit_gray_uses_its_own_range():
    values = np.linspace(0, 4095, H * W).astype(int).reshape(-1, 2)
    packed = np.stack(
        [values[:, 0] >> 4, (values[:, 0] & 15) << 4 | values[:, 1] >> 8, values[:, 1] & 255], 1
    )
    picture = decode(tiff(packed.astype(np.uint8).tobytes(), {256: W, 257: H, 258: 12}))
    assert worst(np.asarray(picture.image)[..., 2], np.rint(values.reshape(H, W) * 255 / 4095)) == 0
    assert picture.notes == ("12-bit values were scaled to 8 bits.",)


@pytest.mark.parametrize(
    ("dtype", "low", "high", "black", "white"),
    [
        (np.int32, 0, 255, 0, 255),
        (np.int32, 0, 60_000, 0, 65_535),
        (np.int32, -1000, 3000, -1000, 3000),
        (np.int32, -(2**31), 2**31 - 1, -(2**31), 2**31 - 1),
        (np.float32, 0.1, 0.9, 0, 1),
        (np.float32, 2, 250, 0, 255),
        (np.float32, -1.5, 2.5, -1.5, 2.5),
        (np.float32, -3e38, 3e38, -3e38, 3e38),
    ],
)
def test_wide_values_keep_a_range_they_are_known_to_have_and_else_their_own(
    dtype, low, high, black, white
):
    values = np.linspace(low, high, H * W).astype(dtype).reshape(H, W)
    picture = decode(encode(Image.fromarray(values), "TIFF"))
    by_hand = (values.astype(float) - black) / (float(white) - black) * 255
    assert np.abs(np.asarray(picture.image)[..., 0] - by_hand).max() <= 0.501
    named = f"Values from {black:g} to {white:g} were scaled to 0 to 255."
    assert picture.notes == (() if white == 255 else (named,))


def test_values_that_are_not_numbers_are_black_and_infinities_are_the_ends():
    values = np.linspace(0, 1, H * W, dtype=np.float32).reshape(H, W)
    values[0, :3] = np.nan, np.inf, -np.inf
    picture = decode(encode(Image.fromarray(values), "TIFF"))
    assert np.asarray(picture.image)[0, :3, 0].tolist() == [0, 255, 0]
    assert "Values that are not a number are shown black." in picture.notes


def test_a_constant_float_picture_is_no_division_by_zero_and_one_without_numbers_is_refused():
    assert pixels(encode(Image.fromarray(np.full((H, W), -7, np.float32)), "TIFF")).max() == 0
    assert "no finite value" in refusal(
        encode(Image.fromarray(np.full((H, W), np.nan, np.float32)), "TIFF")
    )


def test_16_bit_rgb_keeps_the_high_byte():
    rows = [np.stack([row, row[::-1], row // 2], 1).astype(">u2").tobytes() for row in GRAY16]
    found = pixels(png((W, H), 16, 2, rows))
    assert worst(found[..., 0], GRAY16 >> 8) == 0
    assert worst(found[..., 2], GRAY16 // 2 >> 8) == 0
    stored = np.dstack([GRAY16] * 3).astype("<u2").tobytes()
    assert (
        worst(
            pixels(tiff(stored, {256: W, 257: H, 258: [16] * 3, 262: 2, 277: 3}))[..., 1],
            GRAY16 >> 8,
        )
        == 0
    )


@pytest.mark.parametrize(
    ("file_format", "mode", "options"),
    [
        ("PNG", "RGBA", {}),
        ("PNG", "LA", {}),
        ("TIFF", "RGBA", {}),
        ("TIFF", "LA", {}),
        ("WEBP", "RGBA", {"lossless": True, "exact": True}),
        ("AVIF", "RGBA", {"quality": 100}),
    ],
)
def test_transparency_is_laid_on_white(file_format, mode, options):
    image = see_through(mode)
    alpha = np.asarray(image.getchannel("A"))[..., None] / 255
    by_hand = alpha * np.asarray(image.convert("RGB")) + (1 - alpha) * 255
    picture = decode(encode(image, file_format, **options))
    assert np.abs(np.asarray(picture.image) - by_hand).max() <= (8 if file_format == "AVIF" else 1)
    assert picture.notes == ("Transparency was laid on white.",)


@pytest.mark.parametrize("file_format", ["PNG", "GIF"])
def test_a_transparent_palette_entry_becomes_white(file_format):
    image = scene("P")
    index = image.getpixel((W // 2, H // 2))
    picture = decode(encode(image, file_format, transparency=index))
    by_hand = np.asarray(image.convert("RGB")).copy()
    by_hand[np.asarray(image) == index] = 255
    assert worst(np.asarray(picture.image), by_hand) == 0
    assert picture.notes == ("Transparency was laid on white.",)


def test_half_transparent_palette_entries_are_mixed_with_white():
    image = scene("P")
    picture = decode(encode(image, "PNG", transparency=bytes([128] * 256)))
    assert (
        np.abs(
            np.asarray(picture.image) - (np.asarray(image.convert("RGB")) * 128.0 + 255 * 127) / 255
        ).max()
        <= 1
    )


def test_a_palette_with_alpha_beside_it_is_laid_on_white():
    pairs = np.dstack([np.tile(np.arange(W), (H, 1)), np.full((H, W), 51)]).astype(np.uint8)
    palette = [257 * value for value in range(256)] * 3
    file = tiff(
        pairs.tobytes(), {256: W, 257: H, 258: [8, 8], 262: 3, 277: 2, 320: palette, 338: 2}
    )
    assert np.abs(pixels(file)[..., 0] - (pairs[..., 0] * 51.0 + 255 * 204) / 255).max() <= 1


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3)])
def test_a_transparent_colour_becomes_white(depth, colour, channels):
    stored = np.tile(np.arange(W), (H, 1)) * (1 if depth == 8 else 256) + (
        0 if depth == 8 else 0x55
    )
    row = stored[0].repeat(channels).astype(f">u{depth // 8}").tobytes()
    key = chunk(b"tRNS", struct.pack(">H", stored[0, 30]) * channels)
    shown = stored if depth == 8 else np.rint(stored / 257) if channels == 1 else stored >> 8
    found = pixels(png((W, H), depth, colour, [row] * H, key))
    assert worst(found[..., 0], np.where(stored == stored[0, 30], 255, shown)) == 0


def test_a_transparent_bit_becomes_white():
    found = pixels(png((W, H), 1, 0, [bytes([0b00001111] * (W // 8))] * H, chunk(b"tRNS", b"\0\0")))
    assert found.min() == 255


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_alpha_that_hides_nothing_is_not_mentioned(file_format):
    assert decode(encode(scene("RGBA"), file_format)).notes == ()
