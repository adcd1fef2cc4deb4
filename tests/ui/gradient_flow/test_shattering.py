"""Shattered gradients: the page says the probe's correlations."""

from resviz.probes.gradient_flow.shattering import shattering
from tests.ui.gradient_flow.pages import run, text


def test_shattering_says_the_probes_correlations():
    page = text(run(part="shattered", layers="8", beta="0.1"))
    plain, residual = (abs(shattering(kind, 8, 5, 0.1).mean[1]) for kind in ("plain", "residual"))
    assert (
        f"at **{plain:.2f}** in the plain network and at **{residual:.2f}** in the residual one"
        in page
    )
