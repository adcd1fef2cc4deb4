"""The drawing of growing curves.

Its points are those of the final chart, and no name can break out of it.
"""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from resviz.figures.theme import PLAIN, RESIDUAL
from resviz.figures.training.learning_curves import (
    BOTTOM,
    HEIGHT,
    LEFT,
    TOP,
    Curve,
    Frame,
    learning_curves,
)
from resviz.figures.training.live_curves import sketch
from tests.figures.training.test_learning_curves import EMPTY, LABELS, curve

FRAME = Frame(4.0, 1.0, 120, "epochs", "accuracy")


def drawn(*curves: Curve, dark: bool = False) -> ElementTree.Element:
    return ElementTree.fromstring(sketch(curves, FRAME, dark, "Learning curves"))


def points(line: ElementTree.Element) -> np.ndarray:
    return np.array([[float(v) for v in pair.split(",")] for pair in line.get("points").split()])


def place(element: ElementTree.Element) -> tuple[float, ...]:
    return tuple(
        float(re.search(rf"{side}:([\d.]+)%", element.get("style"))[1]) for side in ("left", "top")
    )


def test_lines_run_from_the_corner_of_the_axes_over_their_share_of_the_epochs():
    flat = Curve(
        "residual-8",
        RESIDUAL,
        0,
        np.array([0.0, 2.0]),
        np.array([0.0, 0.0]),
        np.array([]),
        np.array([]),
    )
    assert points(drawn(flat).find(".//polyline")).tolist() == [[0, 1000], [500, 1000]]


def test_the_top_of_the_scale_is_the_top_of_the_drawing_and_nothing_leaves_it():
    wild = Curve(
        "plain-8",
        PLAIN,
        0,
        np.array([4.0]),
        np.array([7.0]),
        np.array([4.0, 2.0]),
        np.array([0.5, np.nan]),
    )
    found = drawn(wild)
    assert points(found.find(".//polyline")).tolist() == [[1000, 0]]
    assert [place(ring) for ring in found.iter("i")] == [(100, 50), (50, 0)]
    assert [ring.get("class") for ring in found.iter("i")] == ["ring", "beyond"]


def test_a_test_result_beyond_the_scale_is_a_triangle_that_tells_its_value():
    found = drawn(
        Curve("plain-8", PLAIN, 0, *np.ones((2, 1)), np.array([1.0, 2.0]), np.array([0.5, 6.6e8]))
    )
    assert [(i.get("class"), i.get("title")) for i in found.iter("i")] == [
        ("ring", "0.500"),
        ("beyond", "6.6e+08"),
    ]
    assert [place(i) for i in found.iter("i")] == [(25, 50), (50, 0)]


def test_the_test_results_of_a_run_are_joined_in_its_colour():
    found = drawn(curve("plain-8", PLAIN, 0.8))
    joined, line = found.find(".//path"), found.find(".//polyline")
    assert joined.get("d") == "M250.0,600.0 500.0,200.0"
    assert joined.get("stroke") == line.get("stroke") == PLAIN
    assert joined.get("stroke-dasharray") != line.get("stroke-dasharray")


def test_the_area_and_its_ticks_are_those_of_the_chart():
    figure = learning_curves([curve("plain-8", PLAIN, 0.5)], FRAME, LABELS, False).layout
    outer = drawn(curve("plain-8", PLAIN, 0.5))
    sides = dict(re.findall(r"(left|right|top|bottom):(\d+)px", outer[0].get("style")))
    margin = figure.margin
    assert {k: int(v) for k, v in sides.items()} == {
        "left": margin.l,
        "right": margin.r,
        "top": margin.t,
        "bottom": margin.b,
    }
    assert (margin.l, margin.t, margin.b) == (LEFT, TOP, BOTTOM)
    assert f"height:{HEIGHT}px" in outer.get("style")
    assert figure.height == HEIGHT
    labels = [float(span.text) for span in outer.iter("span") if span.get("class") == "tick"]
    assert labels == [*figure.yaxis.tickvals, *figure.xaxis.tickvals]
    assert (figure.xaxis.range, figure.yaxis.range) == ((0, 4), (0, 1))


def test_runs_have_their_colours_and_variants_their_dashes():
    lines = drawn(curve("plain-8", PLAIN, 0.5), curve("residual-20", RESIDUAL, 0.9, 1)).findall(
        ".//polyline"
    )
    assert [line.get("stroke") for line in lines] == [PLAIN, RESIDUAL]
    assert lines[0].get("stroke-dasharray") != lines[1].get("stroke-dasharray")


def test_names_and_words_are_text_and_nothing_else():
    hostile = curve('<script>alert("x")</script>', PLAIN, 0.5)
    found = drawn(hostile)
    assert hostile.name in [span.text for span in found.iter("span")]
    assert not list(found.iter("script"))


@pytest.mark.parametrize("dark", [False, True])
def test_a_run_without_a_step_is_an_empty_frame(dark):
    found = drawn(EMPTY, dark=dark)
    assert points(found.find(".//polyline")).size == 0
    assert {e.text for e in found.iter() if e.text} >= {"epochs", "accuracy", "0", "4", "1"}
