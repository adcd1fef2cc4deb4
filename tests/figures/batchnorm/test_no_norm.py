"""The scale of outputs over depth, on powers of ten around 1."""

import numpy as np

from resviz.figures.batchnorm.no_norm import Labels, spread

LABELS = Labels(std="standard deviation")


def test_spreads_are_drawn_on_powers_of_ten_around_one():
    figure = spread(["conv1", "conv2"], [0.01, 100.0], LABELS, dark=False)
    assert list(figure.data[0].y) == [0.01, 100]
    assert figure.layout.yaxis.type == "log"
    low, high = figure.layout.yaxis.range
    assert low < -2
    assert high > 2
    assert figure.layout.shapes[0].y0 == 1
    low, high = spread(["a"], [0.0], LABELS, dark=False).layout.yaxis.range
    assert low < 0 < high


def test_few_decades_have_whole_numbers_at_one_two_and_five():
    axis = spread(["a", "b"], [0.2, 1.5], LABELS, dark=False).layout.yaxis
    inside = [
        text
        for value, text in zip(axis.tickvals, axis.ticktext, strict=True)
        if axis.range[0] < np.log10(value) < axis.range[1]
    ]
    assert inside == ["0.2", "0.5", "1"]
    assert axis.dtick is None
