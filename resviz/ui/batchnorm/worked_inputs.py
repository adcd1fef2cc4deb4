"""The numbers of the example by hand: typed, or told by the address, so that an example can be shared as a link.

`hand_batch=2,6/10,11` is two values of each of two channels; `hand_gamma`, `hand_beta`,
`hand_momentum` and `hand_bias` are numbers.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from resviz.errors import ProbeError
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped

VALUES, CHANNELS = 8, 4
DEFAULT = "2, 6\n10, 11"
LARGEST = 1e6


@dataclass(frozen=True, slots=True)
class Inputs:
    """The batch (n, c), what BatchNorm multiplies with and adds, and a bias that is added before it."""

    x: np.ndarray
    gamma: float
    beta: float
    momentum: float
    bias: float


def parse(text: str) -> np.ndarray:
    """One line a channel, its values separated by commas, to (n, c); raises `ProbeError` saying what is wrong."""
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        rows = [
            [_value(part) for part in line.replace(";", ",").split(",") if part.strip()]
            for line in lines
        ]
    except ValueError:
        raise ProbeError(
            "A value is no number; write them like 2, 6, one line for each channel."
        ) from None
    if (
        not 1 <= len(rows) <= CHANNELS
        or len({len(row) for row in rows}) > 1
        or len(rows[0]) > VALUES
    ):
        raise ProbeError(
            "Write 1 to {channels} lines with equally many values, at most {values}.",
            channels=CHANNELS,
            values=VALUES,
        )
    found = np.array(rows).T
    if len(found) < 2:
        raise ProbeError(
            "A batch of one has no variance to divide by; write at least two values in each line."
        )
    if not (np.abs(found) <= LARGEST).all():
        raise ProbeError("A value is too large to show; stay within a million.")
    return found


def _value(text: str) -> float:
    """The number; raises `ValueError` for "nan" as for any other word."""
    if math.isnan(value := float(text)):
        raise ValueError(text)
    return value


def ask() -> Inputs:
    """The widgets; what is typed goes into the address."""
    return Inputs(
        _batch(),
        _number(st.number_input, _("γ, scale"), 1.0, (-100.0, 100.0), 0.5, "hand_gamma"),
        _number(st.number_input, _("β, shift"), 0.0, (-100.0, 100.0), 0.5, "hand_beta"),
        _number(
            st.slider,
            _("Momentum: weight of the newest batch"),
            0.1,
            (0.0, 1.0),
            0.05,
            "hand_momentum",
        ),
        _number(
            st.slider, _("Bias of the convolution before it"), 0.0, (-10.0, 10.0), 0.5, "hand_bias"
        ),
    )


def _batch() -> np.ndarray:
    """The batch as typed; where it cannot be, a sentence and the first example."""
    key = "hand_batch"
    told = url_state.chosen(key)
    st.session_state[key] = DEFAULT if told is None else told.replace("/", "\n").replace(",", ", ")
    text = st.text_area(
        _("The batch: one line for each channel"),
        key=key,
        height=136,
        on_change=lambda: url_state.choose(
            key, st.session_state[key].strip().replace(" ", "").replace("\n", "/")
        ),
    )
    try:
        return parse(text or "")
    except ProbeError as refusal:
        st.error(escaped(whole(refusal)) + " " + _("Until then the first example is shown."))
        return parse(DEFAULT)


def _number(
    widget: Callable[..., float],
    label: str,
    default: float,
    span: tuple[float, float],
    step: float,
    key: str,
) -> float:
    """A number; where the address tells none of that range, a sentence and the default."""
    told, (low, high) = url_state.chosen(key), span
    value = _read(told, low, high) if told is not None else default
    if value is None:
        st.warning(
            _("{told} is no number from {low:g} to {high:g}; {default:g} is used.").format(
                told=escaped(str(told)[:20]), low=low, high=high, default=default
            )
        )
    st.session_state[key] = default if value is None else value
    return widget(
        label,
        min_value=low,
        max_value=high,
        step=step,
        key=key,
        on_change=lambda: url_state.choose(key, f"{st.session_state[key]:g}"),
    )


def _read(told: str, low: float, high: float) -> float | None:
    try:
        value = float(told)
    except ValueError:
        return None
    return value if math.isfinite(value) and low <= value <= high else None
