"""The worked example as number lines and bars."""

import numpy as np

from resviz.figures.batchnorm.worked_example import (
    BiasLabels,
    LineLabels,
    Step,
    before_and_after,
    number_lines,
)
from resviz.probes.batchnorm.worked_example import batchnorm_by_hand

ONE = np.ones(2)
BY_HAND = batchnorm_by_hand(np.array([[2.0, 10.0], [6.0, 11.0]]), ONE, 0 * ONE, 0 * ONE, ONE)


def test_each_value_has_its_thread_through_the_steps():
    steps = [Step("x", BY_HAND.x), Step("x̂", BY_HAND.x_hat)]
    figure = number_lines(steps, LineLabels(channel="channel"), dark=False)
    names = [trace.name for trace in figure.data]
    assert names == ["channel 1", "channel 1", "channel 2", "channel 2"]
    threads = [trace.x for trace in figure.data]
    np.testing.assert_allclose(threads, [[2, -1], [6, 1], [10, -1], [11, 1]], atol=1e-4)
    assert list(figure.layout.yaxis.ticktext) == ["x", "x̂"]


def test_bars_stand_for_what_goes_in_and_what_comes_out():
    labels = BiasLabels(before="in", after="out", added=" + b")
    bars = before_and_after(BY_HAND.x, BY_HAND.y, labels, dark=False).data
    assert [tuple(bar.x) for bar in bars] == [("x₁ + b", "x₂ + b")] * 2 + [("y₁", "y₂")] * 2
    np.testing.assert_allclose(bars[0].y, [2, 6])
    np.testing.assert_allclose(bars[2].y, BY_HAND.y[:, 0])
