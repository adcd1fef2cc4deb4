"""Curves are drawn where the numbers are, in the colour of their family, with a name at their end."""

import numpy as np
import pytest

from resviz.figures.records import WINDOW, Curve, learning_curves, running_mean
from resviz.figures.theme import GREEN, PLAIN, RESIDUAL

WORDS = ("epochs", "accuracy", "training", "test")


def curve(name: str, family: str, end: float, rank: int = 0) -> Curve:
    at = np.linspace(0, 2, 100)
    return Curve(name, family, rank, at, np.linspace(0, end, 100), np.array([1.0, 2.0]), np.array([0.4, end]))


@pytest.mark.parametrize("window", [1, 3, 200])
def test_running_mean_equals_a_loop(window):
    values = np.random.default_rng(0).normal(size=50)
    expected = [values[max(0, i + 1 - window) : i + 1].mean() for i in range(50)]
    np.testing.assert_allclose(running_mean(values, window), expected, atol=1e-12)


def test_running_mean_of_nothing_is_nothing():
    assert running_mean(np.array([]), 5).shape == (0,)


def test_each_run_is_a_line_and_rings_in_its_colour():
    figure = learning_curves([curve("plain-56", "plain", 0.4), curve("residual-56", "residual", 1.0, 1)], WORDS, False)
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
    figure = learning_curves([curve(f"residual-{i}", "residual", 0.9 + 0.001 * i) for i in range(5)], WORDS, True)
    heights = [note.y for note in figure.layout.annotations]
    assert [note.text for note in figure.layout.annotations] == [f"residual-{i}" for i in range(5)]
    assert min(np.diff(heights)) > 0.04
    assert {note.x for note in figure.layout.annotations} == {2.0}


def test_another_family_and_an_empty_run_are_drawn_too():
    empty = Curve("dense-8", "dense", 0, *(np.array([]) for _ in range(4)))
    figure = learning_curves([empty], WORDS, False)
    assert figure.data[0].line.color == GREEN
    assert figure.layout.annotations == ()
    assert learning_curves([], WORDS, False).data == ()
