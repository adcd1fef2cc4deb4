"""The effective field over the photo.

What its lines hold, against sums of the energy and discs by hand.
"""

import io

import numpy as np
import pytest
from PIL import Image

from resviz.figures.receptive_field import effective


def bell(side: int, width: float, at: tuple[float, float]) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    values = np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * width**2))
    return values / values.sum()


def test_half_of_a_bell_is_the_disc_of_its_median_radius():
    values = bell(101, 12.0, (50, 50))
    radius = 12 * (2 * np.log(2)) ** 0.5  # 1 - exp(-r^2 / 2 s^2) = 1/2
    y, x = np.nonzero(values >= effective.level(values, values, 0.5))
    assert np.hypot(y - 50, x - 50).max() == pytest.approx(radius, abs=0.6)
    assert len(y) == pytest.approx(np.pi * radius**2, rel=0.01)


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_what_lies_within_a_level_of_the_smoothed_dots_holds_its_share_of_the_dots(share: float):
    rng = np.random.default_rng(0)
    dots = bell(64, 8.0, (30, 40)) * rng.exponential(size=(64, 64)) ** 3
    calm = effective.smoothed(dots, 3.0)
    held = dots[calm >= effective.level(calm, dots, share)].sum() / dots.sum()
    assert share <= held <= share + dots.max() / dots.sum()
    widened = effective.level(
        calm, calm, share
    )  # the smoothed picture's own share is another region
    assert dots[calm >= widened].sum() / dots.sum() > held + 0.01


def test_smoothing_adds_variances_and_keeps_the_sum_inside():
    calm = effective.smoothed(bell(101, 3.0, (50, 44)), 4.0)
    assert calm.sum() == pytest.approx(1, abs=1e-6)
    rows = calm.sum(1)
    assert (rows * (np.arange(101) - 50) ** 2).sum() == pytest.approx(3**2 + 4**2, rel=0.02)
    assert np.unravel_index(calm.argmax(), calm.shape) == (50, 44)


def test_the_support_is_the_rectangle_around_all_that_moves_the_unit():
    energy = np.zeros((6, 8))
    energy[1, 5] = energy[3, 2] = 1
    expected = np.zeros((6, 8), bool)
    expected[1:4, 2:6] = True
    np.testing.assert_array_equal(effective.support(energy), expected)
    assert not effective.support(np.zeros((3, 3))).any()


def test_an_edge_is_thin_and_closes_along_the_border_of_the_picture():
    inside = np.zeros((40, 40), bool)
    inside[10:30, :20] = True
    line = effective.edge(inside)
    assert line[10:12, 5].all()
    assert line[20, 18:20].all()
    assert line[14:26, :2].all()
    assert not line[14:26, 2:16].any()
    assert not line[~inside].any()


def drawn(energy: np.ndarray, size: float) -> np.ndarray:
    return np.asarray(
        Image.open(io.BytesIO(effective.effective_png(energy.astype(np.float32), size)))
    )


def test_the_layer_is_opaque_at_its_lines_and_clear_far_away():
    picture = drawn(bell(64, 4.0, (32, 20)), 16)
    assert picture.shape == (480, 480, 4)
    assert picture[470, 470, 3] == 0
    for colour in effective.LINES.values():
        y, x = np.nonzero((picture == (*colour, 255)).all(-1))
        assert len(y) > 50
        assert (y.mean(), x.mean()) == pytest.approx((32.5 * 7.5, 20.5 * 7.5), abs=6)


def test_no_line_leaves_the_pixels_that_move_the_unit():
    energy = np.zeros((48, 48))
    energy[10:20, 4:14] = 1 / 100
    picture = drawn(energy, 40)  # smoothed over five pixels
    for colour in effective.LINES.values():
        y, x = np.nonzero((picture == (*colour, 255)).all(-1))
        assert (y.min(), x.min()) >= (100, 40)
        assert (y.max(), x.max()) < (200, 140)
