"""The formulas carry the numbers of the example."""

import numpy as np
import pytest

from resviz.figures.batchnorm.formulas import Parameters, input_name, up_to
from resviz.probes.batchnorm.worked_example import batchnorm_by_hand


def formulas(x: list[float], step: int = 6, **parameters: float) -> list[str]:
    given = Parameters(**{"gamma": 1.0, "beta": 0.0, "momentum": 0.1, "bias": 0.0, **parameters})
    one = np.ones(1)
    batch = np.array(x)[:, None] + given.bias
    by_hand = batchnorm_by_hand(
        batch, given.gamma * one, given.beta * one, 0 * one, one, momentum=given.momentum
    )
    return up_to(step, by_hand, given)


def test_two_and_six_worked_out_on_paper():
    mean, centred, variance, x_hat, y, running = formulas([2.0, 6.0], gamma=3.0, beta=-1.0)
    assert mean.endswith(r"= \tfrac{1}{2} (2 + 6) = 4")
    assert centred.endswith(r"-2,\; 2")
    assert variance.endswith(r"\tfrac{1}{2} ((-2)^2 + 2^2) = 4")
    assert x_hat.endswith(r"-1,\; 1")
    assert r"3\,\hat x_i + (-1)" in y
    assert y.endswith(r"-4,\; 2")
    assert r"0.9 \cdot 0 + 0.1 \cdot 4 = 0.4" in running
    assert running.endswith(r"0.9 \cdot 1 + 0.1 \cdot 8 = 1.7")


@pytest.mark.parametrize("step", [1, 3, 6])
def test_there_are_as_many_as_steps(step: int):
    assert len(formulas([1.0, 3.0], step)) == step


def test_very_large_and_small_numbers_are_powers_of_ten():
    mean, *_others = formulas([1e6, 3e6])
    assert mean.endswith(r"= 2 \cdot 10^{6}")
    assert not any("e+" in formula or "e-" in formula for formula in formulas([1e6, 3e-6]))


def test_a_bias_is_part_of_what_goes_in():
    assert r"\sum (x_i + b) = \tfrac{1}{2} (4.5 + 8.5) = 6.5" in formulas([2.0, 6.0], bias=2.5)[0]
    assert (input_name(2.5), input_name(0.0)) == ("x + b", "x")
