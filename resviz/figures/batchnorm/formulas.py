"""The formulas of BatchNorm with the numbers of a worked example in them, in LaTeX."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from resviz.probes.batchnorm.worked_example import ByHand


@dataclass(frozen=True, slots=True)
class Parameters:
    """What BatchNorm multiplies with and adds, its momentum, and a bias added before it."""

    gamma: float
    beta: float
    momentum: float
    bias: float


def up_to(step: int, by_hand: "ByHand", given: Parameters) -> list[str]:
    """The formulas of the steps so far, with the first channel's numbers, the newest last."""
    formulas = (
        _mean(by_hand, given),
        _centred(by_hand, given),
        _variance(by_hand),
        _x_hat(by_hand, given),
        _y(by_hand, given),
        _running(by_hand, given),
    )
    return list(formulas[:step])


def input_name(bias: float) -> str:
    """What the numbers that go into BatchNorm are called."""
    return "x + b" if bias else "x"


def _value(given: Parameters) -> str:
    return "x_i + b" if given.bias else "x_i"


def _mean(by_hand: "ByHand", given: Parameters) -> str:
    n, values = len(by_hand.x), by_hand.x[:, 0]
    summand = f"({_value(given)})" if given.bias else _value(given)
    numbers = " + ".join(_bracketed(value) for value in values)
    general = rf"\mu = \tfrac{{1}}{{n}} \sum {summand}"
    return rf"{general} = \tfrac{{1}}{{{n}}} ({numbers}) = {_number(by_hand.mean[0])}"


def _centred(by_hand: "ByHand", given: Parameters) -> str:
    return rf"{_value(given)} - \mu:\quad {_listed(by_hand.centred[:, 0])}"


def _variance(by_hand: "ByHand") -> str:
    n = len(by_hand.x)
    squares = " + ".join(f"{_bracketed(value)}^2" for value in by_hand.centred[:, 0])
    return rf"\sigma^2 = \tfrac{{1}}{{{n}}} ({squares}) = {_number(by_hand.variance[0])}"


def _x_hat(by_hand: "ByHand", given: Parameters) -> str:
    above = rf"{_value(given)} - \mu"
    general = rf"\hat x_i = \frac{{{above}}}{{\sqrt{{\sigma^2 + \varepsilon}}}}"
    numbers = rf"\frac{{{above}}}{{{_number(by_hand.std[0])}}}"
    return rf"{general} = {numbers}:\quad {_listed(by_hand.x_hat[:, 0])}"


def _y(by_hand: "ByHand", given: Parameters) -> str:
    numbers = rf"{_number(given.gamma)}\,\hat x_i + {_bracketed(given.beta)}"
    return rf"y_i = \gamma \hat x_i + \beta = {numbers}:\quad {_listed(by_hand.y[:, 0])}"


def _running(by_hand: "ByHand", given: Parameters) -> str:
    mean = _average("0", by_hand.mean[0], by_hand.running_mean[0], given.momentum)
    variance = _average("1", by_hand.unbiased[0], by_hand.running_variance[0], given.momentum)
    return rf"\mu_\text{{run}} \leftarrow {mean},\qquad \sigma^2_\text{{run}} \leftarrow {variance}"


def _average(before: str, new: float, after: float, momentum: float) -> str:
    old = rf"{_number(1 - momentum)} \cdot {before}"
    added = rf"{_number(momentum)} \cdot {_bracketed(new)}"
    return rf"{old} + {added} = {_number(after)}"


def _number(value: float) -> str:
    """Four significant digits; what is very large or small with a power of ten."""
    digits, _e, exponent = f"{value:.4g}".partition("e")
    return rf"{digits} \cdot 10^{{{int(exponent)}}}" if exponent else digits


def _bracketed(value: float) -> str:
    return f"({_number(value)})" if value < 0 else _number(value)


def _listed(values: np.ndarray) -> str:
    return r",\; ".join(_number(value) for value in values)
