"""Heatmaps and courses show the numbers they were given, on the scale that their kind names."""

import numpy as np
import pytest

from resviz.figures.batchnorm.through_training import (
    Course,
    CourseLabels,
    HeatmapLabels,
    courses,
    heatmap,
    reach,
)

STEPS = np.array([0, 10, 20])
VALUES = np.array([[-1.0, 0.01], [2.0, 1.0], [-3.0, 100.0]])
LABELS = HeatmapLabels(step="step", layer="layer", quantity="quantity")


def cells(kind: str, values: np.ndarray = VALUES):
    return heatmap(STEPS, values, ("bn1", "bn2"), 1, kind, LABELS, dark=False).data[0]


def test_signed_colours_are_centred_on_zero_and_reach_as_far_as_most_numbers():
    found = cells("signed")
    np.testing.assert_array_equal(found.z, VALUES.T)
    assert found.zmin == -found.zmax
    assert found.zmax == pytest.approx(np.quantile(np.abs(VALUES), 0.95))
    middle = found.colorscale[len(found.colorscale) // 2]
    assert (middle[0], middle[1]) == (0.5, "rgb(255,255,255)")


def test_zero_has_the_colour_of_the_page_in_the_dark_theme_too():
    figure = heatmap(STEPS, VALUES, ("bn1", "bn2"), 1, "signed", LABELS, dark=True)
    colours = figure.data[0].colorscale
    assert colours[len(colours) // 2][1] == "rgb(11,13,16)"


def test_powers_of_ten_leave_out_what_is_not_positive():
    found = cells("powers")
    np.testing.assert_allclose(found.z, [[np.nan, np.log10(2), np.nan], [-2, 0, 2]])
    assert (found.zmin, found.zmax) == (-2, 2)
    assert list(found.colorbar.ticktext) == ["0.01", "0.1", "1", "10", "100"]


def test_powers_that_cannot_be_read_in_digits_are_powers():
    found = cells("powers", np.array([[1e-7, 1.0]] * 3))
    assert "10<sup>-7</sup>" in found.colorbar.ticktext
    assert not any("e" in text for text in found.colorbar.ticktext)


def test_ordered_colours_reach_from_the_smallest_to_the_largest():
    found = cells("ordered")
    assert (found.zmin, found.zmax) == (-3, 100)


def test_numbers_that_are_none_are_left_empty_and_named_under_the_pointer():
    values = VALUES.copy()
    values[1, 0] = np.inf
    found = cells("signed", values)
    assert np.isnan(found.z[0][1])
    assert found.customdata[1][2][0] == 100
    assert found.text[1][0] == "bn2"
    assert reach(np.array([[np.nan]])) == reach(np.zeros((2, 2))) == 1


def test_the_frame_is_round_the_chosen_layer():
    figure = heatmap(STEPS, VALUES, ("bn1", "bn2"), 1, "signed", LABELS, dark=True)
    frame = figure.layout.shapes[0]
    assert (frame.y0, frame.y1) == (1.5, 2.5)


def test_a_band_lies_one_standard_deviation_around_the_mean():
    course = Course("mean", VALUES[:, 0], np.array([1.0, 2.0, 0.5]))
    band, line = courses(STEPS, [course], CourseLabels(step="step"), dark=False).data
    assert list(line.y) == [-1, 2, -3]
    assert (band.mode, line.mode) == ("lines", "lines"), "no dots at the band's edges"
    assert list(band.y) == [0, 4, -2.5, -3.5, 0, -2]
    assert list(band.x) == [0, 10, 20, 20, 10, 0]
