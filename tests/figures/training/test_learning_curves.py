"""Curves are drawn where the numbers are, in the colour of their family, with a name at their
end.
"""

import numpy as np
import pytest

from resviz.figures.theme import PLAIN, RESIDUAL
from resviz.figures.training.learning_curves import (
    WINDOW,
    Curve,
    Frame,
    Labels,
    end_names,
    frame,
    learning_curves,
    running_mean,
)

LABELS = Labels("training", "test")
FRAME = Frame(2.0, 1.0, 100, "epochs", "accuracy")
EMPTY = Curve("plain-8", PLAIN, 0, *(np.array([]) for _ in range(4)))


def curve(name: str, colour: str, end: float, rank: int = 0) -> Curve:
    at = np.linspace(0, 2, 100)
    return Curve(
        name, colour, rank, at, np.linspace(0, end, 100), np.array([1.0, 2.0]), np.array([0.4, end])
    )


@pytest.mark.parametrize("window", [1, 3, 200])
def test_running_mean_equals_a_loop(window):
    values = np.random.default_rng(0).normal(size=50)
    expected = [values[max(0, i + 1 - window) : i + 1].mean() for i in range(50)]
    np.testing.assert_allclose(running_mean(values, window), expected, atol=1e-12)


def test_running_mean_of_nothing_is_nothing():
    assert running_mean(np.array([]), 5).shape == (0,)


def test_each_run_is_a_line_and_rings_in_its_colour():
    curves = [curve("plain-56", PLAIN, 0.4), curve("residual-56", RESIDUAL, 1.0, 1)]
    figure = learning_curves(curves, FRAME, LABELS, False)
    lines, rings = figure.data[::2], figure.data[1::2]
    assert [line.line.color for line in lines] == [PLAIN, RESIDUAL]
    assert [ring.marker.color for ring in rings] == [PLAIN, RESIDUAL]
    assert lines[0].line.dash != lines[1].line.dash
    np.testing.assert_allclose(lines[0].y, running_mean(np.linspace(0, 0.4, 100), WINDOW))
    assert list(rings[1].y) == [0.4, 1.0]
    assert list(rings[1].x) == [1.0, 2.0]
    assert figure.layout.xaxis.title.text == "epochs"
    assert figure.layout.yaxis.title.text == "accuracy"


def test_names_stand_at_the_ends_and_do_not_overlap():
    curves = [curve(f"residual-{i}", RESIDUAL, 0.8 + 0.001 * i) for i in range(5)]
    notes = learning_curves(curves, FRAME, LABELS, True).layout.annotations
    assert [note.text for note in notes] == [f"residual-{i}" for i in range(5)]
    assert min(np.diff([note.y for note in notes])) > 0.04
    assert {note.x for note in notes} == {2.0}


def test_names_that_meet_at_the_top_stay_in_the_frame():
    heights = [name.y for name in end_names([curve(str(i), RESIDUAL, 30.0) for i in range(6)], 1.0)]
    assert max(heights) == pytest.approx(1.0)
    assert min(np.diff(heights)) > 0.04


def test_an_empty_run_has_no_name_and_nothing_is_drawn_of_none():
    assert learning_curves([EMPTY], FRAME, LABELS, False).layout.annotations == ()
    assert learning_curves([], FRAME, LABELS, False).data == ()


def test_a_name_that_looks_like_a_tag_is_shown_as_it_is():
    figure = learning_curves([curve("<a href='x'>rate</a>", PLAIN, 0.5)], FRAME, LABELS, False)
    told = [figure.layout.annotations[0].text, *(trace.hovertemplate for trace in figure.data)]
    assert not any("<a" in text for text in told)


def test_the_frame_of_a_share_reaches_one_and_that_of_a_loss_the_highest_drawn():
    low = curve("plain-8", PLAIN, 0.3)
    assert frame([low], 10, True, "epochs", "accuracy").ticks == (
        [0, 2, 4, 6, 8, 10],
        [0, 0.2, 0.4, 0.6, 0.8, 1.0],
    )
    steep = Curve(
        "plain-8", PLAIN, 0, np.arange(2.0), np.array([2.4, 2.2]), np.array([1.0]), np.array([2.71])
    )
    loss = frame([steep], 3, False, "epochs", "loss")
    assert 2.71 <= loss.top <= 3.0
    assert loss.ticks[1] == [0, 0.5, 1.0, 1.5, 2.0, 2.5]


def test_a_loss_that_is_no_number_does_not_stretch_the_frame():
    broken = Curve(
        "plain-8",
        PLAIN,
        0,
        np.arange(2.0),
        np.array([2.0, np.nan]),
        np.array([1.0]),
        np.array([np.inf]),
    )
    assert frame([broken], 3, False, "epochs", "loss").top == pytest.approx(2.0)
    assert frame([EMPTY], 3, False, "epochs", "loss").top > 0


def test_one_wild_test_result_does_not_press_the_lines_flat():
    tests = np.array([2.9, 6.6e8, np.nan])
    wild = Curve(
        "plain-56", PLAIN, 0, np.arange(2.0), np.array([2.4, 2.2]), np.arange(1.0, 4.0), tests
    )
    found = frame([wild], 3, False, "epochs", "loss")
    assert 2.9 <= found.top <= 3.0, "what is near is covered"
    ring = learning_curves([wild], found, LABELS, False).data[1]
    assert list(ring.y) == [2.9, found.top, found.top]
    assert list(ring.marker.symbol) == ["circle-open", "triangle-up", "triangle-up"]
    assert list(ring.customdata) == ["2.900", "6.6e+08", "nan"]
    assert "customdata" in ring.hovertemplate


def test_two_runs_mark_what_is_beyond_the_scale_one_below_the_other():
    wild = [
        Curve(name, PLAIN, 0, *np.ones((2, 1)), np.array([1.0]), np.array([9.0])) for name in "ab"
    ]
    calm = curve("c", RESIDUAL, 0.5)
    figure = learning_curves([wild[0], calm, wild[1]], FRAME, LABELS, False)
    first, between, second = (list(trace.y) for trace in figure.data[1::2])
    assert (first, between) == ([1.0], [0.4, 0.5])
    assert 0.95 < second[0] < 0.98


def test_test_results_alone_are_all_covered():
    alone = Curve(
        "plain-8", PLAIN, 0, np.array([]), np.array([]), np.array([1.0]), np.array([40.0])
    )
    assert frame([alone], 3, False, "epochs", "loss").top >= 40


def test_the_test_results_of_a_run_are_joined_by_a_thin_line_in_its_colour():
    line, rings = learning_curves([curve("plain-8", PLAIN, 0.4)], FRAME, LABELS, False).data
    assert rings.mode == "lines+markers"
    assert rings.line.color == line.line.color == PLAIN
    assert rings.line.width < line.line.width
    assert rings.line.dash != line.line.dash


@pytest.mark.parametrize("until", [1, 2, 5, 20, 24, 164, 9999])
def test_ticks_are_whole_epochs_where_there_are_more_than_a_few(until):
    ticks = frame([], until, True, "", "").ticks[0]
    assert 4 <= len(ticks) <= 14
    assert ticks[0] == 0
    assert ticks[-1] <= until
    assert until < 5 or all(tick == int(tick) for tick in ticks)


def test_longer_names_get_a_wider_margin():
    short, long = (
        frame([curve(n, PLAIN, 1.0)], 2, True, "", "").right
        for n in ("Plain-8", "Plain-56, group norm")
    )
    assert short < long <= 260
