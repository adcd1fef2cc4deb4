"""Pictures of maps, decoded again by Pillow: every cell shows the colour of its number."""

import base64
import io
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from resviz.figures import raster
from resviz.figures.raster import (
    Range,
    heat_png,
    indices,
    map_png,
    mosaic_png,
    overlay_png,
    value_range,
)
from resviz.figures.theme import ORDERED, SIGNED, WARM

GREY = [128, 128, 128]
RNG = np.random.default_rng(0)
POSITIVE = RNG.random((5, 7)).astype(np.float32)
MIXED = RNG.normal(size=(5, 7)).astype(np.float32)
PHOTO = Image.fromarray(RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8))
TINY = float(np.finfo(np.float32).smallest_subnormal)
HUGE = float(np.finfo(np.float32).max)
ODD = {
    "zero": np.zeros((3, 4), np.float32),
    "constant": np.full((3, 4), 2.5, np.float32),
    "negative constant": np.full((3, 4), -2.5, np.float32),
    "nan": np.full((3, 4), np.nan, np.float32),
    "infinite": np.full((3, 4), np.inf, np.float32),
    "minus infinite": np.full((3, 4), -np.inf, np.float32),
    "some nan": np.array([[1, np.nan], [-3, 2]], np.float32),
    "some infinite": np.array([[1, np.inf], [-3, -np.inf]], np.float32),
    "minus infinite among positive": np.array([[1, 2], [3, -np.inf]], np.float32),
    "subnormal": np.array([[TINY, 0], [0, 2 * TINY]], np.float32),
    "subnormal and infinite": np.array([[TINY, 0], [np.inf, -np.inf]], np.float32),
    "huge": np.array([[HUGE, 0], [-HUGE, 1]], np.float32),
    "huge and infinite": np.array([[-HUGE, np.inf], [-np.inf, np.nan]], np.float32),
    "half precision": np.array([[65504, -65504], [1e-7, np.inf]], np.float16),
    "double": np.array([[1e300, -1e300], [1e-300, 0]], np.float64),
    "one cell": np.array([[-1]], np.float32),
}
odd = pytest.mark.parametrize("values", ODD.values(), ids=ODD)


def colours(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.array(image.convert("RGB"))


def rgba(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert image.mode == "RGBA"
        return np.array(image)


def nearest(value: float, low: float, high: float) -> int:
    """The index of a value, worked out in fractions."""
    share = min(
        max((Fraction(value) - Fraction(low)) / (Fraction(high) - Fraction(low)), Fraction(0)),
        Fraction(1),
    )
    return round(share * 254)


# ---- one map


def test_a_map_without_negative_values_goes_from_zero_to_its_maximum():
    found = colours(map_png(np.array([[0, 1, 2, 4]], np.float32)))
    assert found[0].tolist() == [
        ORDERED[i].tolist() for i in (0, 64, 127, 254)
    ]  # 63.5 is rounded to even
    assert value_range(POSITIVE) == Range(0.0, float(POSITIVE.max()), False)


def test_a_signed_map_is_centred_on_white_and_symmetric():
    found = colours(map_png(np.array([[-2, -1, 0, 1, 2]], np.float32)))
    assert found[0, 2].tolist() == [255, 255, 255]
    assert found[0, 0].tolist() == SIGNED[0].tolist()
    assert found[0, 4].tolist() == SIGNED[254].tolist()
    assert value_range(MIXED) == Range(
        -float(np.abs(MIXED).max()), float(np.abs(MIXED).max()), True
    )


def test_a_signed_map_reaches_its_end_on_the_larger_side_only():
    found = colours(map_png(np.array([[-4, 0, 1]], np.float32)))[0]
    assert found.tolist() == [
        SIGNED[0].tolist(),
        SIGNED[127].tolist(),
        SIGNED[nearest(1, -4, 4)].tolist(),
    ]


@pytest.mark.parametrize("values", [POSITIVE, MIXED], ids=["ordered", "signed"])
def test_every_cell_has_the_colour_of_its_number(values):
    scale = value_range(values)
    palette = SIGNED if scale.signed else ORDERED
    expected = [[palette[nearest(float(v), scale.low, scale.high)] for v in row] for row in values]
    assert np.array_equal(colours(map_png(values)), expected)


@given(arrays(np.float32, (2, 3), elements=st.floats(width=32)))
@settings(max_examples=200, deadline=None)
def test_indices_are_exact_for_all_numbers_and_ordered_like_them(values):
    scale = value_range(values)
    found = indices(values, scale)
    for value, index in zip(values.ravel().tolist(), found.ravel().tolist(), strict=True):
        if np.isfinite(value):
            exact = (
                (Fraction(value) - Fraction(scale.low))
                / (Fraction(scale.high) - Fraction(scale.low))
                * 254
            )
            assert abs(index - exact) <= Fraction(1, 2) + Fraction(1, 10**9)
        else:
            ends = {np.inf: 254, -np.inf: 0}
            assert index == ends.get(value, 127 if scale.signed else 0)


def test_a_scale_of_another_map_is_kept_and_clips():
    found = colours(map_png(np.array([[-9, 0, 5, 10, 99]], np.float32), Range(0.0, 10.0, False)))
    assert found[0].tolist() == [ORDERED[i].tolist() for i in (0, 0, 127, 254, 254)]
    signed = colours(map_png(np.array([[0, 5]], np.float32), Range(-10.0, 10.0, True)))
    assert signed[0].tolist() == [SIGNED[127].tolist(), SIGNED[nearest(5, -10, 10)].tolist()]


@odd
def test_odd_maps_are_drawn_without_a_warning(values):
    found = colours(map_png(values))
    assert found.shape == (*values.shape, 3)
    assert heat_png(values, (9, 6))
    assert overlay_png(PHOTO, values, 0.5)
    maps = np.stack([values, np.zeros_like(values)])
    for shared in (True, False):
        assert mosaic_png(maps, 2, shared)


def test_what_is_no_number_is_drawn_as_zero_and_infinities_as_the_ends():
    signed = colours(map_png(np.array([[np.nan, np.inf, -np.inf, -1]], np.float32)))[0]
    assert signed.tolist() == [SIGNED[i].tolist() for i in (127, 254, 0, 0)]
    ordered = colours(map_png(np.array([[np.nan, np.inf, -np.inf, 1]], np.float32)))[0]
    assert ordered.tolist() == [ORDERED[i].tolist() for i in (0, 254, 0, 254)]


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_map_without_any_extent_has_a_scale_to_divide_by(value):
    assert value_range(np.full((2, 2), value, np.float32)) == Range(0.0, 1.0, False)


def test_a_range_is_described_by_its_ends_in_three_digits():
    assert Range(-1.23456, 1.23456, True).describe() == "-1.23 to 1.23"
    assert Range(0.0, 12345.6, False).describe() == "0 to 1.23e+04"


def test_the_scale_itself_shows_every_colour_once():
    assert np.array_equal(colours(raster.scale_png(False))[0], ORDERED)
    assert np.array_equal(colours(raster.scale_png(True))[0], SIGNED)


# ---- mosaics


def tiles(
    png: bytes, count: int, columns: int, height: int, width: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """The maps cut out of a mosaic, and what is left of it."""
    canvas = colours(png).astype(int)
    rows = -(-count // columns)
    assert canvas.shape == (rows * height + rows - 1, columns * width + columns - 1, 3)
    found = []
    for i in range(count):
        top, left = i // columns * (height + 1), i % columns * (width + 1)
        found.append(canvas[top : top + height, left : left + width].copy())
        canvas[top : top + height, left : left + width] = -1
    return found, canvas[(canvas >= 0).all(2)]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("count", "columns"), [(6, 3), (5, 3), (7, 4), (1, 1), (2, 5), (4, 1)])
@pytest.mark.parametrize("signed", [False, True])
def test_every_map_of_a_mosaic_looks_as_it_does_alone(shared, count, columns, signed):
    maps = (
        RNG.random((count, 3, 4)).astype(np.float32)
        * np.arange(1, count + 1, dtype=np.float32)[:, None, None]
    )
    if signed:
        maps[0, 0, 0] = -0.5  # one negative value makes all of them signed
    found, rest = tiles(mosaic_png(maps, columns, shared), count, columns, 3, 4)
    for tile, values in zip(found, maps, strict=True):
        alone = maps if shared else values
        reach = float(np.abs(alone).max())
        scale = Range(-reach, reach, True) if signed else Range(0.0, reach, False)
        assert np.array_equal(tile, colours(map_png(values, scale)))
    assert (rest == GREY).all()


def test_with_scales_of_their_own_a_weak_map_is_as_bright_as_a_strong_one():
    maps = np.stack([POSITIVE, POSITIVE / 100])
    (strong, weak), _ = tiles(mosaic_png(maps, 2, shared=False), 2, 2, 5, 7)
    assert np.abs(strong - weak).max() <= 2
    (strong, weak), _ = tiles(mosaic_png(maps, 2, shared=True), 2, 2, 5, 7)
    assert np.array_equal(strong, colours(map_png(POSITIVE)))
    assert (
        np.abs(weak - ORDERED[0].astype(int)).max()
        <= np.abs(ORDERED[3].astype(int) - ORDERED[0]).max()
    )


def test_zero_has_the_colour_of_zero_in_every_mosaic():
    maps = np.zeros((2, 3, 3), np.float32)
    maps[0, 0, 0] = 1
    for shared in (True, False):
        (_, zero), _ = tiles(mosaic_png(maps, 2, shared), 2, 2, 3, 3)
        assert (zero == ORDERED[0]).all()
    maps[0, 0, 0] = -1
    for shared in (True, False):
        (_, zero), _ = tiles(mosaic_png(maps, 2, shared), 2, 2, 3, 3)
        assert (zero == 255).all()


def test_minus_infinity_alone_does_not_make_a_mosaic_signed():
    maps = np.array([[[0, 1, 2]], [[0, -np.inf, 1]]], np.float32)
    (first, second), _ = tiles(mosaic_png(maps, 2, shared=True), 2, 2, 1, 3)
    assert np.array_equal(first, colours(map_png(maps[0])))
    assert second[0].tolist() == [ORDERED[i].tolist() for i in (0, 0, 127)]


# ---- heat


def test_heat_is_absent_where_the_map_is_not_positive_and_hottest_at_its_peak():
    values = np.array([[-5, 0, 1], [2, 3, 4]], np.float32)
    found = rgba(heat_png(values, (3, 2)))
    expected = np.array([[0, 0, round(255 / 4)], [round(255 / 2), round(255 * 3 / 4), 255]])
    assert np.abs(found[..., 3].astype(int) - expected).max() <= 1
    assert (found[..., 3] == 0).sum() == 2
    assert found[1, 2].tolist() == [*WARM[255].tolist(), 255]
    assert np.array_equal(found[..., :3], WARM[found[..., 3]])  # colour and opacity say the same


def test_a_map_against_the_class_leaves_no_heat():
    assert not rgba(heat_png(-POSITIVE - 1, (14, 10)))[..., 3].any()
    assert not rgba(heat_png(np.zeros((2, 2), np.float32), (14, 10)))[..., 3].any()


def test_strong_negative_values_do_not_cool_the_peak():
    assert rgba(heat_png(np.array([[-100, 1]], np.float32), (2, 1)))[0, 1, 3] == 255


def test_a_common_peak_scales_the_heat_down_and_a_lower_one_clips_it():
    values = np.array([[0, 1, 2]], np.float32)
    assert rgba(heat_png(values, (3, 1), peak=4.0))[0, :, 3].tolist() == [0, 64, 128]
    assert rgba(heat_png(values, (3, 1), peak=1.0))[0, :, 3].tolist() == [0, 255, 255]
    assert rgba(heat_png(values, (3, 1), peak=0.0))[0, :, 3].tolist() == [0, 0, 0]


def test_infinite_heat_is_the_peak_and_leaves_the_rest_visible():
    found = rgba(heat_png(np.array([[np.inf, 1, 2, np.nan]], np.float32), (4, 1)))
    assert found[0, :, 3].tolist() == [255, 128, 255, 0]


def test_heat_is_scaled_bilinearly_by_pillow():
    share = np.maximum(MIXED, 0) / MIXED.max()
    expected = np.asarray(Image.fromarray(share).resize((64, 48), Image.Resampling.BILINEAR))
    found = rgba(heat_png(MIXED, (64, 48)))
    assert found.shape == (48, 64, 4)
    assert np.abs(found[..., 3] - 255 * expected).max() <= 0.51


@pytest.mark.parametrize("values", [MIXED, POSITIVE])
def test_an_overlay_of_no_opacity_is_the_photo(values):
    assert np.array_equal(colours(overlay_png(PHOTO, values, 0.0)), np.array(PHOTO))


@pytest.mark.parametrize(("opacity", "peak"), [(1.0, None), (0.5, None), (0.7, 9.0)])
def test_an_overlay_is_the_photo_under_the_heat_as_pillow_composes_it(opacity, peak):
    heat = rgba(heat_png(MIXED, PHOTO.size, peak)).copy()
    heat[..., 3] = (heat[..., 3] * opacity).round()
    expected = Image.alpha_composite(PHOTO.convert("RGBA"), Image.fromarray(heat)).convert("RGB")
    assert np.array_equal(colours(overlay_png(PHOTO, MIXED, opacity, peak)), np.array(expected))


def test_an_overlay_is_the_mixture_of_heat_and_photo():
    heat = rgba(heat_png(MIXED, PHOTO.size)).astype(float)
    share = heat[..., 3:] / 255 * 0.8
    mixed = share * heat[..., :3] + (1 - share) * np.array(PHOTO)
    assert np.abs(colours(overlay_png(PHOTO, MIXED, 0.8)) - mixed).max() <= 1.5


# ---- photos


@pytest.mark.parametrize(
    ("size", "shown"), [((2000, 1000), (720, 360)), ((300, 900), (240, 720)), ((50, 40), (50, 40))]
)
def test_a_photo_for_the_page_is_a_jpeg_of_limited_size(size, shown):
    photo = Image.new("RGB", size, (10, 200, 30))
    with Image.open(io.BytesIO(raster.photo_jpeg(photo))) as image:
        assert (image.format, image.size) == ("JPEG", shown)
        assert np.abs(np.array(image).astype(int) - [10, 200, 30]).max() <= 3
    assert photo.size == size  # the caller's own is as it was


def test_a_small_picture_is_kept_without_loss():
    assert np.array_equal(colours(raster.photo_png(PHOTO)), np.array(PHOTO))


@pytest.mark.parametrize(
    ("picture", "kind"), [(raster.photo_png(PHOTO), "png"), (raster.photo_jpeg(PHOTO), "jpeg")]
)
def test_a_picture_travels_inside_its_address(picture, kind):
    head, _, body = raster.data_uri(picture).partition(",")
    assert head == f"data:image/{kind};base64"
    assert base64.b64decode(body) == picture


@pytest.mark.parametrize("draw", [map_png, lambda m, dark: mosaic_png(m[None], 1, True, dark)])
def test_zero_of_a_signed_map_has_the_colour_of_the_page_in_each_theme(draw):
    values = np.array([[-1.0, 0.0, 1.0]], np.float32)
    assert colours(draw(values, dark=False))[0, 1].tolist() == [255, 255, 255]
    assert colours(draw(values, dark=True))[0, 1].tolist() == [0x0B, 0x0D, 0x10]
    ends = colours(draw(values, dark=True))[0, [0, 2]].sum(1)
    assert (ends > 3 * 100).all()  # lightness grows to either side


def test_the_scale_of_a_theme_is_that_of_its_maps():
    assert colours(raster.scale_png(True, dark=True))[0, 127].tolist() == [0x0B, 0x0D, 0x10]
    assert np.array_equal(colours(raster.scale_png(False, dark=True))[0], ORDERED)
