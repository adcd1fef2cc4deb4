"""The drawing of growing curves: where its points are, and that no name can break out of it."""

from xml.etree import ElementTree

import numpy as np
import pytest

from resviz.figures.curves import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, sketch
from resviz.figures.records import Curve
from resviz.figures.theme import PLAIN, RESIDUAL
from tests.figures.test_records import WORDS, curve


def drawn(*curves: Curve, until: float = 4.0, top: float = 1.0) -> ElementTree.Element:
    return ElementTree.fromstring(sketch(curves, WORDS, until, top, "Learning curves"))[0]


def points(line: ElementTree.Element) -> np.ndarray:
    return np.array([[float(v) for v in pair.split(",")] for pair in line.get("points").split()])


def test_lines_run_from_the_axes_corner_over_their_share_of_the_epochs():
    flat = Curve("residual-8", "residual", 0, np.array([0.0, 2.0]), np.array([0.0, 0.0]), np.array([]), np.array([]))
    (line,) = drawn(flat).findall("polyline")
    assert points(line).tolist() == [[LEFT, HEIGHT - BOTTOM], [LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - BOTTOM]]


def test_the_top_of_the_scale_is_the_top_of_the_drawing_and_nothing_leaves_it():
    wild = Curve("plain-8", "plain", 0, np.array([4.0]), np.array([7.0]), np.array([4.0]), np.array([0.5]))
    svg = drawn(wild)
    assert points(svg.find("polyline")).tolist() == [[WIDTH - RIGHT, TOP]]
    ring = svg.find("circle")
    assert float(ring.get("cy")) == pytest.approx((TOP + HEIGHT - BOTTOM) / 2)


def test_families_have_their_colours_and_depths_their_dashes():
    lines = drawn(curve("plain-8", "plain", 0.5), curve("residual-20", "residual", 0.9, 1)).findall("polyline")
    assert [line.get("stroke") for line in lines] == [PLAIN, RESIDUAL]
    assert lines[0].get("stroke-dasharray") != lines[1].get("stroke-dasharray")


def test_names_and_words_are_text_and_nothing_else():
    hostile = curve('<script>alert("x")</script>', "plain", 0.5)
    svg = drawn(hostile)
    assert [t.text for t in svg.findall("text") if t.get("fill") == PLAIN] == [hostile.name]
    assert svg.find("script") is None


def test_a_run_without_a_step_is_an_empty_frame():
    empty = Curve("plain-8", "plain", 0, *(np.array([]) for _ in range(4)))
    assert points(drawn(empty).find("polyline")).size == 0
    assert {t.text for t in drawn(empty).findall("text")} >= {"epochs", "accuracy", "0", "4", "1"}
