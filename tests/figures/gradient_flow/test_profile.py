"""A profile shows the numbers it is given, logarithmically, with a band and without zeros."""

import numpy as np
import pytest

from resviz.figures.families import style
from resviz.figures.gradient_flow.profile import Labels, Line, profile
from resviz.figures.theme import PLAIN, RESIDUAL
from resviz.models.spec import FAMILIES

LABELS = Labels(quantity="norm", depth="depth")


def line(values, family: str = "plain", title: str = "Plain-8") -> Line:
    values = np.array(values, float)
    places = values.shape[1]
    names = tuple(f"layer {i}" for i in range(places))
    return Line(title, style(family, tuple(FAMILIES)), np.arange(1.0, places + 1), values, names)


def test_the_line_is_the_mean_and_the_band_reaches_from_smallest_to_largest():
    figure = profile([line([[1, 10, 100], [3, 30, 300]])], LABELS, dark=False)
    band, curve = figure.data
    np.testing.assert_allclose(curve.y, [2, 20, 200])
    assert band.fill == "toself"
    np.testing.assert_allclose(band.y, [1, 10, 100, 300, 30, 3])
    np.testing.assert_allclose(band.x, [1, 2, 3, 3, 2, 1])
    assert figure.layout.yaxis.type == "log"
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("depth", "norm")


def test_one_seed_has_no_band_and_a_zero_is_a_gap():
    (curve,) = profile([line([[0, 10, 100]])], LABELS, dark=True).data
    assert np.isnan(curve.y[0])
    assert list(curve.y[1:]) == [10, 100]
    assert list(curve.text) == ["layer 0", "layer 1", "layer 2"]


def test_a_level_profile_is_drawn_over_two_decades_and_a_steep_one_over_its_own():
    low, high = profile([line([[1, 1.1, 0.9]])], LABELS, False).layout.yaxis.range
    assert high - low == pytest.approx(2.2)
    axis = profile([line([[1, 1.1, 0.9]])], LABELS, False).layout.yaxis
    inside = [
        text
        for tick, text in zip(axis.tickvals, axis.ticktext, strict=True)
        if low < np.log10(tick) < high
    ]
    assert inside == ["0.1", "0.2", "0.5", "1", "2", "5", "10"]
    low, high = profile([line([[1e-20, 1.1, 0.9]])], LABELS, False).layout.yaxis.range
    assert low < -20
    assert 20 < high - low < 23


def test_before_anything_is_measured_the_picture_has_its_size():
    empty, full = (
        profile([], LABELS, False),
        profile([line([[1, 2]])], LABELS, False),
    )
    assert empty.layout.height == full.layout.height
    assert not empty.data


def test_only_zeros_can_be_drawn():
    assert np.isnan(profile([line([[0, 0]])], LABELS, False).data[0].y).all()


def test_plain_is_orange_residual_is_blue_and_no_two_families_look_alike():
    styles = {family: style(family, tuple(FAMILIES)) for family in FAMILIES}
    assert (styles["plain"].colour, styles["residual"].colour) == (PLAIN, RESIDUAL)
    assert len({(s.colour, s.dash) for s in styles.values()}) == len(FAMILIES)
