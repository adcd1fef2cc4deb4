"""The part on shattered gradients: derivatives of deep random networks along a line of inputs."""

from typing import TYPE_CHECKING

import streamlit as st

from resviz.figures.gradient_flow import shattering as figures
from resviz.ui.base import page, url_state
from resviz.ui.base.bounded_cache import cached
from resviz.ui.base.i18n import translate as _
from resviz.ui.services import models
from resviz.ui.widgets.chart import chart

if TYPE_CHECKING:
    from resviz.probes.gradient_flow.shattering import Shattering

LAYERS = (1, 2, 4, 8, 12, 16, 24, 32, 50, 100)
BETAS = (0.1, 0.3, 1.0)
SEEDS = 5
NOISES = ("brown", "white")


def shattering_section() -> None:
    """Depth, the two derivatives, the four autocorrelations."""
    depth_slider, beta_slider = st.columns(2, gap="medium")
    with depth_slider:
        depth = url_state.pick(st.select_slider, _("Layers"), LAYERS, 24, "layers")
    with beta_slider:
        beta = url_state.pick(st.select_slider, _("Weight of the branch, β"), BETAS, 1.0, "beta")
    measured = {
        kind: _noise(kind) if kind in NOISES else _network(kind, depth, beta)
        for kind in _titles(depth)
    }
    _write_finding(measured)
    left, right = page.wide("shattering").columns(2, gap="medium")
    with left:
        _draw_derivatives(measured, depth)
    with right:
        _draw_autocorrelations(measured, depth)


def _titles(depth: int) -> dict[str, str]:
    return {
        "plain": _("Plain, {depth} layers").format(depth=depth),
        "residual": _("Residual, {depth} layers").format(depth=depth),
        "brown": _("Brown noise"),
        "white": _("White noise"),
    }


def _labels() -> figures.Labels:
    return figures.Labels(
        x=_("input x"),
        derivative=_("df/dx"),
        lag=_("lag, of 256 inputs from -2 to 2"),
        autocorrelation=_("autocorrelation of df/dx"),
    )


def _curves(measured: "dict[str, Shattering]", depth: int) -> list[figures.Curve]:
    titles = _titles(depth)
    return [
        figures.Curve(kind, titles[kind], each.x, each.derivative, each.mean)
        for kind, each in measured.items()
    ]


def _write_finding(measured: "dict[str, Shattering]") -> None:
    text = _(
        "Between neighbouring inputs the derivative correlates at **{plain:.2f}** in the plain "
        "network and at **{residual:.2f}** in the residual one."
    )
    neighbours = {kind: _rounded(measured[kind].mean[1]) for kind in ("plain", "residual")}
    st.markdown(text.format(**neighbours))


def _draw_derivatives(measured: "dict[str, Shattering]", depth: int) -> None:
    curves = [curve for curve in _curves(measured, depth) if curve.kind not in NOISES]
    chart(
        figures.derivatives(curves, _labels(), page.dark()),
        _("Derivative of both networks along the line of inputs"),
        _("The derivative of one random network by its one input."),
    )


def _draw_autocorrelations(measured: "dict[str, Shattering]", depth: int) -> None:
    from resviz.probes.gradient_flow.shattering import lag_table

    chart(
        figures.autocorrelations(_curves(measured, depth), _labels(), page.dark()),
        _("Autocorrelation of the derivative by lag"),
        _("How alike the derivative is at some distance, mean of {seeds} networks.").format(
            seeds=SEEDS
        ),
        lag_table(measured),
        name=f"shattering-{depth}",
        how_to_read=_(
            "Where the orange line falls to zero at once, the gradient looks like white noise: "
            "what helps one image says nothing about the next (Balduzzi et al. 2017). Layers of "
            "200 rectified numbers, each centred and scaled over the line as batch normalisation "
            "does; the shortcut is h + β F(h)."
        ),
    )


def _rounded(value: float) -> float:
    """To two digits, and never minus zero."""
    return round(float(value), 2) + 0.0


@cached(128)
def _network(kind: str, depth: int, beta: float) -> "Shattering":
    from resviz.probes.gradient_flow.shattering import shattering

    with models.computing():
        return shattering(kind, depth, SEEDS, beta)


@cached(2)
def _noise(kind: str) -> "Shattering":
    from resviz.probes.gradient_flow.shattering import noise

    return noise(kind)
