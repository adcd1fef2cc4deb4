"""The histogram counts what NumPy counts and says what its axes are."""

import numpy as np
import pytest

from resviz.figures.feature_maps.histogram import Labels, histogram, table
from resviz.figures.theme import RESIDUAL, template
from tests.figures.test_raster import ODD

VALUES = np.random.default_rng(3).normal(1, 2, (30, 40)).astype(np.float32)


def bars(values: np.ndarray):
    return histogram(values, Labels("value", "cells")).data[0]


def test_each_bar_counts_the_cells_between_its_edges():
    bar = bars(VALUES)
    width = (VALUES.max() - VALUES.min()) / 40
    for centre, count in zip(
        bar.x[1:-1], bar.y[1:-1], strict=True
    ):  # the outermost edges are closed
        near = np.abs(VALUES - centre) < width / 2 * (1 - 1e-4)
        far = np.abs(VALUES - centre) < width / 2 * (1 + 1e-4)
        assert near.sum() <= count <= far.sum()
    assert len(bar.x) == len(bar.y) == 40
    np.testing.assert_allclose(np.diff(bar.x), width, rtol=1e-4)


@pytest.mark.parametrize("values", [VALUES, *ODD.values()], ids=["normal", *ODD])
def test_every_finite_cell_is_counted_once_and_no_other(values):
    bar = bars(values)
    assert sum(bar.y) == np.isfinite(values).sum()
    assert np.isfinite(bar.x).all()


@pytest.mark.parametrize("value", [1.0, -3.0, 1e8, 1e-30])
def test_two_neighbouring_numbers_can_be_told_apart(value):
    pair = np.array([[value, np.nextafter(np.float32(value), np.float32(np.inf))]], np.float32)
    bar = bars(pair)
    assert (bar.y[0], bar.y[-1], sum(bar.y)) == (1, 1, 2)


@pytest.mark.parametrize("dark", [False, True])
def test_the_figure_names_its_axes_marks_zero_and_follows_the_theme(dark):
    figure = histogram(VALUES, Labels(value="activation", count="cells"), dark)
    assert figure.layout.xaxis.title.text == "activation"
    assert figure.layout.yaxis.title.text == "cells"
    assert figure.data[0].marker.color == RESIDUAL
    (line,) = figure.layout.shapes
    assert (line.x0, line.x1, line.line.dash) == (0, 0, "dot")
    assert figure.layout.template == template(dark)


def test_the_table_holds_the_bars_edges_and_counts():
    rows = table(VALUES).rows
    counts, edges = np.histogram(VALUES.astype(float), 40)
    assert [row[2] for row in rows] == counts.tolist()
    assert [row[0] for row in rows] == pytest.approx(edges[:-1])
    assert [row[1] for row in rows] == pytest.approx(edges[1:])
