"""Shattered gradients: derivatives of deep random networks along a line of inputs."""

from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures.gradient_flow import shattering as figures
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.services import models

if TYPE_CHECKING:
    from resviz.probes.gradient_flow.shattering import Shattering

LAYERS = (1, 2, 4, 8, 12, 16, 24, 32, 50, 100)
SEEDS = 5


def show() -> None:
    """The part of the page: depth, the two derivatives, the four autocorrelations."""
    left, right = st.columns(2, gap="medium")
    with left:
        depth = url_state.pick(st.select_slider, _("Layers"), LAYERS, 24, "layers")
    with right:
        beta = url_state.pick(
            st.select_slider, _("Weight of the branch, β"), (0.1, 0.3, 1.0), 1.0, "beta"
        )
    titles = {
        "plain": _("Plain, {depth} layers").format(depth=depth),
        "residual": _("Residual, {depth} layers").format(depth=depth),
        "brown": _("Brown noise"),
        "white": _("White noise"),
    }
    curves = []
    for kind, title in titles.items():
        found = _noise(kind) if kind in ("brown", "white") else _network(kind, depth, beta)
        curves.append(figures.Curve(kind, title, found.x, found.derivative, found.mean))
    quiet = {"displayModeBar": False}
    with left:
        figure = figures.derivatives(curves[:2], (_("input x"), _("df/dx")), page.dark())
        st.plotly_chart(
            figure, config=quiet, alt=_("Derivative of both networks along the line of inputs")
        )
    with right:
        axes = (_("lag, of 256 inputs from -2 to 2"), _("autocorrelation of df/dx"))
        figure = figures.autocorrelations(curves, axes, page.dark())
        st.plotly_chart(figure, config=quiet, alt=_("Autocorrelation of the derivative by lag"))
    st.markdown(
        _(
            "Between neighbouring inputs the derivative correlates at **{plain:.2f}** in the plain network and at "
            "**{residual:.2f}** in the residual one."
        ).format(plain=_rounded(curves[0].mean[1]), residual=_rounded(curves[1].mean[1]))
    )
    st.caption(
        _(
            "Left: the derivative of one random network by its one input. Right: how alike it is at some distance, "
            "mean of {seeds} networks. Where the orange line falls to zero at once, the gradient looks like white "
            "noise: what helps one image says nothing about the next (Balduzzi et al. 2017). Layers of 200 rectified "
            "numbers, each centred and scaled over the line as batch normalisation does; shortcut h + β F(h)."
        ).format(seeds=SEEDS)
    )
    rows = [
        (lag, *(float(curve.mean[lag]) for curve in curves)) for lag in range(len(curves[0].mean))
    ]
    page.table_download(
        _("Download the autocorrelations"), f"shattering-{depth}", ("lag", *titles), rows
    )


def _rounded(value: float) -> float:
    """To two digits, and never minus zero."""
    return round(float(value), 2) + 0.0


@st.cache_data(max_entries=128, show_spinner=False)
def _network(kind: str, depth: int, beta: float) -> "Shattering":
    from resviz.probes.gradient_flow.shattering import shattering

    with models.computing():
        return shattering(kind, depth, SEEDS, beta)


@st.cache_data(show_spinner=False)
def _noise(kind: str) -> "Shattering":
    from resviz.probes.gradient_flow.shattering import noise

    return noise(kind)
