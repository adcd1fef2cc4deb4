"""BatchNorm folded into the convolution before it: one factor and one bias for each channel, and the check."""

import numpy as np
import streamlit as st

from resviz.figures.batchnorm import folding
from resviz.ui.base import page as layout
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import batch, channels, results


def show(page: batch.Page) -> None:
    """The factors of the chosen layer beside the formula; below, how far a folded network's answers are off."""
    pairs, check = results.folded(page.subject.model, page.batch)
    drawing, words = layout.wide("fold").columns([1.7, 1], gap="large")
    with words:
        layer = channels.pick_layer([layer.layer for layer in page.layers])
        st.latex(r"y = \gamma\,\frac{w * x + b - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta")
        st.latex(r"\phantom{y} = (s\,w) * x + (b - \mu)\,s + \beta")
        st.latex(r"s = \gamma \,/\, \sqrt{\sigma^2 + \varepsilon}")
        st.caption(
            _(
                "In evaluation BatchNorm is one factor and one shift, and so is what a convolution can do by itself. "
                "Programs that only predict fold the two together and save a pass over all values."
            )
        )
        st.markdown(
            _(
                "Checked: with {pairs} layers folded, no output for these {images} images changes by more than "
                "**{millionths:.2g} · 10⁻⁶**, beside outputs up to {largest:.3g}."
            ).format(
                pairs=check.pairs,
                images=len(page.batch.titles),
                millionths=1e6 * check.difference,
                largest=check.largest,
            )
        )
    found = {pair.norm: pair for pair in pairs}
    with drawing:
        if layer not in found:
            st.info(
                _(
                    "{layer} cannot be folded: no convolution gives its input, or something else uses that input too."
                ).format(layer=escaped(layer))
            )
        else:
            _draw(found[layer].convolution, layer, found[layer].scale, found[layer].bias)
    rows = [
        (pair.convolution, pair.norm, c, float(s), float(b))
        for pair in pairs
        for c, (s, b) in enumerate(zip(pair.scale, pair.bias, strict=True))
    ]
    columns = ("convolution", "batchnorm", "channel", "factor", "bias")
    layout.table_download(_("Download the factors"), "folded", columns, rows)


def _draw(convolution: str, layer: str, scale: np.ndarray, bias: np.ndarray) -> None:
    st.subheader(
        _("What {layer} makes of {convolution}").format(
            layer=escaped(layer), convolution=escaped(convolution)
        ),
        anchor=False,
    )
    st.plotly_chart(
        folding.factors(
            scale, bias, (_("channel"), _("factor s of the kernel"), _("new bias")), layout.dark()
        ),
        config={"displayModeBar": False},
        alt=_("Factor and new bias of the {count} channels of {layer}").format(
            count=len(scale), layer=layer
        ),
    )
    largest = int(np.abs(scale).argmax())
    st.caption(
        _(
            "A bar is a channel: its kernel times the green factor, plus the purple bias. Channel {largest} is "
            "multiplied most, by {most:.3g}; the median is {median:.3g}."
        ).format(largest=largest, most=scale[largest], median=float(np.median(scale)))
    )
