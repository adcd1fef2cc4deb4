"""Each curve is drawn as it is, in its family's colour."""

import numpy as np

from resviz.figures.gradient_flow.shattering import Curve, Labels, autocorrelations, derivatives
from resviz.figures.theme import PLAIN, RESIDUAL

X = np.linspace(-2, 2, 5)
CURVES = [
    Curve("plain", "Plain", X, X**2, np.array([1, 0.1])),
    Curve("residual", "Residual", X, X**3, np.array([1, 0.8])),
    Curve("white", "White noise", X, X, np.array([1, 0.0])),
]
LABELS = Labels(x="x", derivative="df/dx", lag="lag", autocorrelation="r")


def test_derivatives_have_a_panel_each_over_the_same_inputs():
    figure = derivatives(CURVES[:2], LABELS, dark=False)
    assert [trace.line.color for trace in figure.data] == [PLAIN, RESIDUAL]
    for trace, curve in zip(figure.data, CURVES, strict=False):
        np.testing.assert_array_equal(trace.y, curve.derivative)
    assert [note.text for note in figure.layout.annotations] == ["<b>Plain</b>", "<b>Residual</b>"]
    assert figure.layout.xaxis2.title.text == "x"


def test_autocorrelations_are_lines_by_lag_and_noise_is_dashed():
    figure = autocorrelations(CURVES, LABELS, dark=True)
    assert [list(trace.x) for trace in figure.data] == [[0, 1]] * 3
    assert [list(trace.y) for trace in figure.data] == [[1, 0.1], [1, 0.8], [1, 0.0]]
    assert [trace.line.dash for trace in figure.data] == ["solid", "solid", "dot"]
