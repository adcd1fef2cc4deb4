"""Ratios as people say them."""

import math
import re

import pytest

from resviz.ui.base.numbers import power_of_two, significant, times


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


@pytest.mark.parametrize("digits", [1.0, 9.4, 9.5, 9.94, 9.949, 9.951, 9.994, 9.996, 9.9996])
def test_a_ratio_at_the_edge_of_rounding_is_said_in_words_and_to_two_digits(digits: float) -> None:
    for exponent in range(-30, 31):
        ratio = digits * 10.0**exponent
        text = times(ratio)
        assert not re.search(r"\de[+-]?\d", text)
        assert read(text) == pytest.approx(ratio, rel=0.051)


def read(text: str) -> float:
    """The number that a ratio in words stands for, read as a person would."""
    number = text.removesuffix(" times").removesuffix(" of").replace(",", "")
    if number.startswith("1/"):
        return 1 / read(number.removeprefix("1/"))
    if number.endswith(" million"):
        return 1e6 * read(number.removesuffix(" million"))
    factor, _cross, power = number.partition(" × 10")
    raised = power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return float(factor) * 10.0 ** int(raised or 0)


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (0.0, "0"),
        (2.0, "2"),
        (0.0123456, "0.0123"),
        (0.1, "0.1"),
        (99.96, "100"),
        (1234.5, "1,230"),
        (999_600, "1.00 × 10⁶"),
        (12_345_678, "1.23 × 10⁷"),
        (0.0001, "0.0001"),
        (0.00001234, "1.23 × 10⁻⁵"),
        (-0.5, "−0.5"),
        (-1.2e-9, "−1.20 × 10⁻⁹"),
        (math.nan, "no finite number"),
        (math.inf, "no finite number"),
    ],
)
def test_three_significant_digits_and_a_power_of_ten_where_zeros_would_be_counted(
    number: float, says: str
) -> None:
    assert significant(number) == says
