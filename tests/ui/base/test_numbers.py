"""Ratios as people say them."""

import math

import pytest

from resviz.ui.base.numbers import power_of_two, times


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (5.9e6, "5.9 million times"),
        (2.53e8, "253 million times"),
        (1.23e9, "1.2 × 10⁹ times"),
        (4483.0, "4,500 times"),
        (14.6, "15 times"),
        (1.0, "1 times"),
        (2.345, "2.35 times"),
        (0.5, "0.5 of"),
        (1 / 350, "1/350 of"),
        (1e-5, "1/100,000 of"),
        (4.16e-22, "4.2 × 10⁻²² of"),
        (0.0, "zero times"),
        (math.inf, "infinitely many times"),
        (math.nan, "an undefined multiple of"),
    ],
)
def test_a_ratio_is_said_with_two_or_three_digits(ratio: float, words: str):
    assert times(ratio) == words


@pytest.mark.parametrize(
    ("exponent", "words"), [(9, "512"), (18, "262,144"), (27, "2²⁷"), (54, "2⁵⁴")]
)
def test_a_power_of_two_is_a_number_as_long_as_it_can_be_read(exponent: int, words: str):
    assert power_of_two(exponent) == words
