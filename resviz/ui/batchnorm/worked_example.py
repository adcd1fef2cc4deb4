"""BatchNorm of a few numbers, step by step, and the bias that moves nothing."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.figures.batchnorm import formulas
from resviz.figures.batchnorm import worked_example as figures
from resviz.figures.batchnorm.formulas import Parameters
from resviz.ui.base import page
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.numbers import significant
from resviz.ui.batchnorm import worked_inputs
from resviz.ui.widgets.chart import chart
from resviz.ui.widgets.segmented import segmented

if TYPE_CHECKING:
    from resviz.probes.batchnorm.worked_example import ByHand

STEPS = 6
LINES = {1: 1, 2: 2, 3: 2, 4: 3}  # number lines after each step; all four later


def worked_example_section() -> None:
    """The batch and the parameters on the left, the steps on the right, the bias below."""
    left, right = page.wide("hand").columns([1, 2.2], gap="large")
    with left:
        inputs = worked_inputs.ask()
    x, given = inputs.x, inputs.parameters
    with_bias = _compute(x + given.bias, given)
    with right:
        step = segmented(_("Step"), _step_titles(), 1, "step")
        _number_lines(with_bias, step, given)
        for formula in formulas.up_to(step, with_bias, given):
            st.latex(formula)
        st.caption(_explanation(step, with_bias, given))
    _bias(given, _compute(x, given), with_bias)


def _compute(x: np.ndarray, given: Parameters) -> "ByHand":
    from resviz.probes.batchnorm.worked_example import batchnorm_by_hand

    ones = np.ones(x.shape[1])
    return batchnorm_by_hand(
        x,
        gamma=given.gamma * ones,
        beta=given.beta * ones,
        running_mean=0 * ones,
        running_variance=ones,
        momentum=given.momentum,
    )


def _step_titles() -> dict[int, str]:
    titles = (
        _("mean"),
        _("centre"),
        _("variance"),
        _("divide"),
        _("scale, shift"),
        _("remember"),
    )
    return {step: f"{step}  {title}" for step, title in enumerate(titles, start=1)}


def _number_lines(by_hand: "ByHand", step: int, given: Parameters) -> None:
    name = formulas.input_name(given.bias)
    steps = [
        figures.Step(name, by_hand.x),
        figures.Step(f"{name} − μ", by_hand.centred),
        figures.Step("x̂", by_hand.x_hat),
        figures.Step("γ x̂ + β", by_hand.y),
    ]
    labels = figures.LineLabels(channel=_("channel"))
    chart(
        figures.number_lines(steps[: LINES.get(step, 4)], labels, page.dark()),
        alt=_("The batch after step {step} of {steps}").format(step=step, steps=STEPS),
    )


def _explanation(step: int, by_hand: "ByHand", given: Parameters) -> str:
    sentences = [_step_explained(step)]
    if step == 4 and len(by_hand.x) == 2:
        sentences.append(_("Of a batch of two only the order is left: −1 and 1."))
    constant = [str(channel + 1) for channel in np.flatnonzero(by_hand.constant)]
    if constant:
        text = _("Channel {numbers} is constant: its variance is 0, and β is all that comes out.")
        sentences.append(text.format(numbers=", ".join(constant)))
    if given.bias:
        text = _("What comes in is x + b, with the bias b = {bias:g}.")
        sentences.append(text.format(bias=given.bias))
    return " ".join(sentences)


def _step_explained(step: int) -> str:
    return {
        1: _(
            "The formulas follow channel 1. Each channel has its own mean, over the batch (and "
            "over all places)."
        ),
        2: _("Now every channel lies around zero."),
        3: _("The mean of the squares of what is left: how wide the channel is."),
        4: _(
            "Divided by its standard deviation (ε = 0.00001 keeps it from 0), every channel is one "
            "wide. Its shape stays."
        ),
        5: _("γ and β are learned: they may give back any width and place."),
        6: _(
            "Evaluation uses running averages instead, here starting from 0 and 1. The variance "
            "that is remembered is divided by n − 1."
        ),
    }[step]


def _bias(given: Parameters, without: "ByHand", with_bias: "ByHand") -> None:
    st.header(_("The bias that moves nothing"), anchor=False)
    picture, reason = page.wide("bias").columns([1.5, 1], gap="large")
    name = formulas.input_name(given.bias)
    labels = figures.BiasLabels(
        before=_("into BatchNorm: {name}").format(name=name),
        after=_("out of it: y"),
        added=name[1:],
    )
    alt = _("Values before and after BatchNorm with a bias of {bias:g}")
    with picture:
        chart(
            figures.before_and_after(with_bias.x, with_bias.y, labels, page.dark()),
            alt=alt.format(bias=given.bias),
        )
    with reason:
        st.latex(r"\mu(x + b) = \mu(x) + b")
        st.latex(r"\Rightarrow\ (x + b) - \mu(x + b) = x - \mu(x)")
        st.caption(_what_moves(given.bias, without, with_bias))


def _what_moves(bias: float, without: "ByHand", with_bias: "ByHand") -> str:
    moved = float(np.abs(with_bias.y - without.y).max())
    running = float(np.abs(with_bias.running_mean - without.running_mean).max())
    text = _(
        "Move the bias: what goes in moves by {bias:g}, what comes out by {moved}. Only the "
        "running mean notices, by {running}. So a convolution directly before BatchNorm needs "
        "no bias; β does its work."
    )
    # What is left of rounding is nothing to show.
    shown = significant(moved if moved > 1e-12 else 0.0, 1)
    return text.format(bias=bias, moved=shown, running=significant(running))
