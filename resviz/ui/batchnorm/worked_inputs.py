"""The numbers of the worked example: typed, or in the address, so that it can be shared as a link.

`hand_batch=2,6/10,11` is two values of each of two channels; `hand_gamma`, `hand_beta`,
`hand_momentum` and `hand_bias` are numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from resviz.errors import ProbeError
from resviz.figures.batchnorm.formulas import Parameters
from resviz.probes.batchnorm.worked_example import read_batch
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped
from resviz.ui.base.url_values import number

DEFAULT = "2, 6\n10, 11"


@dataclass(frozen=True, slots=True)
class Inputs:
    """The batch (n, c), and what BatchNorm makes of it."""

    x: np.ndarray
    parameters: Parameters


def ask() -> Inputs:
    """The widgets; what is typed goes into the address."""
    return Inputs(_batch(), _parameters())


def _parameters() -> Parameters:
    return Parameters(
        gamma=_number(st.number_input, _("γ, scale"), "hand_gamma", 1.0, (-100.0, 100.0)),
        beta=_number(st.number_input, _("β, shift"), "hand_beta", 0.0, (-100.0, 100.0)),
        momentum=_number(
            st.slider,
            _("Momentum: weight of the newest batch"),
            "hand_momentum",
            0.1,
            (0.0, 1.0),
            0.05,
        ),
        bias=_number(
            st.slider, _("Bias of the convolution before it"), "hand_bias", 0.0, (-10.0, 10.0)
        ),
    )


def _batch() -> np.ndarray:
    """The batch as typed; where it cannot be, a sentence and the first example."""
    key = "hand_batch"
    chosen = url_state.chosen(key)
    st.session_state[key] = DEFAULT if chosen is None else _from_address(chosen)
    text = st.text_area(
        _("The batch: one line for each channel"),
        key=key,
        height=136,
        on_change=lambda: url_state.choose(key, _for_address(st.session_state[key])),
    )
    try:
        return read_batch(text or "")
    except ProbeError as refusal:
        st.error(escaped(whole(refusal)) + " " + _("Until then the first example is shown."))
        return read_batch(DEFAULT)


def _from_address(text: str) -> str:
    return text.replace("/", "\n").replace(",", ", ")


def _for_address(text: str) -> str:
    return text.strip().replace(" ", "").replace("\n", "/")


def _number(
    widget: Callable[..., float],
    label: str,
    key: str,
    default: float,
    span: tuple[float, float],
    step: float = 0.5,
) -> float:
    """A number; where the address has none of that range, a sentence and the default."""
    chosen, (low, high) = url_state.chosen(key), span
    value = default if chosen is None else number(chosen, low, high)
    if value is None:
        text = _("{given} is no number from {low:g} to {high:g}; {default:g} is used.")
        given = escaped(str(chosen)[:20])
        st.warning(text.format(given=given, low=low, high=high, default=default))
        value = default
    st.session_state[key] = value
    return widget(
        label,
        min_value=low,
        max_value=high,
        step=step,
        key=key,
        on_change=lambda: url_state.choose(key, f"{st.session_state[key]:g}"),
    )
