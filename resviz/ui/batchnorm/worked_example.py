"""BatchNorm of a few numbers, step by step, and the bias that moves nothing."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.figures.batchnorm import worked_example
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.batchnorm import worked_inputs

if TYPE_CHECKING:
    from resviz.probes.batchnorm.worked_example import ByHand

STEPS = 6


def show() -> None:
    """The batch and the parameters on the left, the steps on the right, the bias below."""
    left, right = page.wide("hand").columns([1, 2.2], gap="large")
    with left:
        given = worked_inputs.ask()
    x, gamma, beta, momentum, bias = given.x, given.gamma, given.beta, given.momentum, given.bias
    found, name = _compute(x + bias, gamma, beta, momentum), _input_name(bias)
    with right:
        step = url_state.pick(
            st.segmented_control,
            _("Step"),
            range(1, STEPS + 1),
            1,
            "step",
            required=True,
            format_func=lambda step: f"{step}  {_step_title(step)}",
            wrap=True,
        )
        st.plotly_chart(
            worked_example.number_lines(_lines(found, step, name), _("channel"), page.dark()),
            config={"displayModeBar": False},
            alt=_("The batch after step {step} of {steps}").format(step=step, steps=STEPS),
        )
        _say_steps(found, step, given)
    _show_bias(x, bias, _compute(x, gamma, beta, momentum), found)


def _compute(x: np.ndarray, gamma: float, beta: float, momentum: float) -> "ByHand":
    from resviz.probes.batchnorm.worked_example import batchnorm_by_hand

    channels = x.shape[1]
    scale, shift, mean, variance = (np.full(channels, value) for value in (gamma, beta, 0.0, 1.0))
    return batchnorm_by_hand(x, scale, shift, mean, variance, momentum=momentum)


def _step_title(step: int) -> str:
    return {
        1: _("mean"),
        2: _("centre"),
        3: _("variance"),
        4: _("divide"),
        5: _("scale, shift"),
        6: _("remember"),
    }[step]


def _input_name(bias: float) -> str:
    """What the numbers that go into BatchNorm are called."""
    return "x + b" if bias else "x"


def _lines(found: "ByHand", step: int, name: str) -> list[tuple[str, np.ndarray]]:
    rows = [
        (name, found.x),
        (f"{name} − μ", found.centred),
        ("x̂", found.x_hat),
        ("γ x̂ + β", found.y),
    ]
    return rows[: {1: 1, 2: 2, 3: 2, 4: 3}.get(step, 4)]


def _say_steps(found: "ByHand", step: int, given: worked_inputs.Inputs) -> None:
    """The formulas so far, with the numbers of the first channel; the newest one last."""
    gamma, beta, momentum = given.gamma, given.beta, given.momentum
    value, added = ("x_i + b", "(x_i + b)") if given.bias else ("x_i", "x_i")
    n, x, c = len(found.x), found.x[:, 0], 0
    plus = " + ".join(_bracketed(v) for v in x)
    squares = " + ".join(f"{_bracketed(v)}^2" for v in found.centred[:, 0])
    formulas = (
        rf"\mu = \tfrac{{1}}{{n}} \sum {added} = \tfrac{{1}}{{{n}}} ({plus}) = {_number(found.mean[c])}",
        rf"{value} - \mu:\quad {_listed(found.centred[:, c])}",
        rf"\sigma^2 = \tfrac{{1}}{{{n}}} ({squares}) = {_number(found.variance[c])}",
        rf"\hat x_i = \frac{{{value} - \mu}}{{\sqrt{{\sigma^2 + \varepsilon}}}}"
        rf" = \frac{{{value} - \mu}}{{{_number(found.deviation[c])}}}:\quad {_listed(found.x_hat[:, c])}",
        rf"y_i = \gamma \hat x_i + \beta = {_number(gamma)}\,\hat x_i + {_bracketed(beta)}:\quad"
        rf" {_listed(found.y[:, c])}",
        rf"\mu_\text{{run}} \leftarrow {_number(1 - momentum)} \cdot 0 + {_number(momentum)} \cdot"
        rf" {_bracketed(found.mean[c])} = {_number(found.running_mean[c])},\qquad"
        rf" \sigma^2_\text{{run}} \leftarrow {_number(1 - momentum)} \cdot 1 + {_number(momentum)} \cdot"
        rf" {_number(found.unbiased[c])} = {_number(found.running_variance[c])}",
    )
    for formula in formulas[:step]:
        st.latex(formula)
    words = _explained(step, found)
    if given.bias:
        words += " " + _("What comes in is x + b, with the bias b = {bias:g}.").format(
            bias=given.bias
        )
    st.caption(words)


def _explained(step: int, found: "ByHand") -> str:
    constant = [str(c + 1) for c in np.flatnonzero(found.constant)]
    words = {
        1: _(
            "The formulas follow channel 1. Each channel has its own mean, over the batch (and over all places)."
        ),
        2: _("Now every channel lies around zero."),
        3: _("The mean square of what is left, divided by n: how wide the channel is."),
        4: _(
            "Divided by the deviation (ε = 0.00001 keeps it from 0), every channel is one wide. Its shape stays."
        ),
        5: _("γ and β are learned: they may give back any width and place."),
        6: _(
            "Evaluation uses running averages instead, here starting from 0 and 1. "
            "The variance that is remembered is divided by n − 1."
        ),
    }[step]
    if step == 4 and len(found.x) == 2:
        words += " " + _("Of a batch of two only the order is left: −1 and 1.")
    if constant:
        words += " " + _(
            "Channel {numbers} is constant: its variance is 0, and β is all that comes out."
        ).format(numbers=", ".join(constant))
    return words


def _show_bias(x: np.ndarray, bias: float, without: "ByHand", found: "ByHand") -> None:
    st.subheader(_("The bias that moves nothing"), anchor=False)
    picture, reason = page.wide("bias").columns([1.5, 1], gap="large")
    with picture:
        titles = (_("into BatchNorm: {name}").format(name=_input_name(bias)), _("out of it: y"))
        st.plotly_chart(
            worked_example.before_and_after(
                x + bias, found.y, titles, _input_name(bias)[1:], page.dark()
            ),
            config={"displayModeBar": False},
            alt=_("Values before and after BatchNorm with a bias of {bias:g}").format(bias=bias),
        )
    with reason:
        st.latex(r"\mu(x + b) = \mu(x) + b")
        st.latex(r"\Rightarrow\ (x + b) - \mu(x + b) = x - \mu(x)")
        moved, running = (
            float(np.abs(a - b).max())
            for a, b in ((found.y, without.y), (found.running_mean, without.running_mean))
        )
        st.caption(
            _(
                "Move the bias: what goes in moves by {bias:g}, what comes out by {moved:.1g}. Only the running mean "
                "notices, by {running:.3g}. So a convolution directly before BatchNorm needs no bias; β does its work."
            ).format(bias=bias, moved=moved if moved > 1e-12 else 0.0, running=running)
        )


def _number(value: float) -> str:
    return f"{value:.4g}"


def _bracketed(value: float) -> str:
    return f"({value:.4g})" if value < 0 else f"{value:.4g}"


def _listed(values: np.ndarray) -> str:
    return r",\; ".join(_number(value) for value in values)
