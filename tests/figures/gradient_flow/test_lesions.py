"""A switchboard can be clicked where a block can go, and the charts show the numbers they are
given.
"""

import re

import numpy as np

from resviz.figures.gradient_flow.lesions import (
    Answered,
    BarLabels,
    Bars,
    Change,
    PathLabels,
    answered,
    changes,
    one_by_one,
    path_lengths,
    switchboard,
)
from resviz.figures.html import Cell
from resviz.figures.theme import PLAIN, RESIDUAL


def test_blocks_that_run_are_filled_those_out_are_struck_and_fixed_ones_cannot_be_clicked():
    cells = [Cell(name, name, f"<{name}>") for name in ("a", "b", "c")]
    html = switchboard([("stage", cells)], off=["b"], fixed=["c"])
    assert re.findall(r'data-pick="(\w)"[^>]*aria-checked="(\w+)"', html) == [
        ("a", "true"),
        ("b", "false"),
    ]
    assert html.count("line-through") == 1
    assert html.count("cell on") == 1
    assert "<a>" not in html


def test_changes_show_both_probabilities_and_escape_labels():
    html = changes([Change("<i>dog", 0.9, 0.25, RESIDUAL)], "before", "after")
    assert "width:90.00%" in html
    assert "width:25.00%" in html
    assert "90.0%" in html
    assert "<i>" not in html


def test_paths_are_bars_and_their_gradient_a_line():
    share, contribution = np.array([0.25, 0.5, 0.25]), np.array([0.6, 0.3, 0.1])
    bars, line = path_lengths(
        share, contribution, PathLabels("paths", "gradient", "length", "share"), dark=False
    ).data
    assert (bars.type, line.type) == ("bar", "scatter")
    np.testing.assert_array_equal(bars.y, share)
    np.testing.assert_array_equal(line.y, contribution)
    assert list(bars.x) == [0, 1, 2]


def test_single_lesions_are_bars_in_the_networks_colour_with_lines_for_whole_and_chance():
    bars = [
        Bars("r", RESIDUAL, ["a", "b"], np.array([0.5, 0.7]), 0.9),
        Bars("p", PLAIN, ["b"], np.array([0.2]), 0.8),
    ]
    figure = one_by_one(bars, BarLabels("x", "y"), dark=True, chance=0.1)
    assert [bar.marker.color for bar in figure.data] == [RESIDUAL, PLAIN]
    assert list(figure.data[0].y) == [0.5, 0.7]
    assert [(shape.y0, shape.line.color) for shape in figure.layout.shapes[:2]] == [
        (0.9, RESIDUAL),
        (0.8, PLAIN),
    ]
    assert figure.layout.shapes[2].y0 == 0.1


def test_wrong_answers_are_hollow():
    html = answered(
        [Answered("data:,", "3", {"r": "3", "p": "8"})], [RESIDUAL, PLAIN], "digit {digit}"
    )
    assert re.findall(r'class="(\w+)"[^>]*>(\d)', html) == [("right", "3"), ("wrong", "8")]
    assert 'alt="digit 3"' in html


def test_a_switchboard_has_the_networks_colour():
    html = switchboard([("stage", [Cell("a", "a", "a"), Cell("b", "b", "b")])], ["b"], [], PLAIN)
    assert html.count(PLAIN) == 1
    assert html.count("line-through") == 1
