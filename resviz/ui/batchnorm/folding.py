"""BatchNorm folded into the convolution before it: factors, biases, and the check."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.figures.batchnorm import folding
from resviz.ui.base import page
from resviz.ui.base.i18n import said
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.numbers import significant
from resviz.ui.base.page import escaped
from resviz.ui.batchnorm import batch, channels, results
from resviz.ui.widgets.chart import chart

if TYPE_CHECKING:
    from resviz.probes.batchnorm.folding import Folded, Folding


def folding_section(choice: batch.Page) -> None:
    """The factors of the chosen layer beside the formula and the check of the whole network."""
    result = results.folded(choice.subject.model, choice.batch)
    drawing, formula = page.wide("fold").columns([1.7, 1], gap="large")
    with formula:
        layer = channels.pick_layer([layer.layer for layer in choice.layers])
        _formula()
        st.markdown(_checked(result, len(choice.batch.titles)))
    pairs = {pair.norm: pair for pair in result.pairs}
    with drawing:
        if layer in pairs:
            _factors(pairs[layer], result)
        else:
            reason = said(result.reasons[layer])
            text = _("{layer} cannot be folded. {reason}")
            st.info(text.format(layer=escaped(layer), reason=escaped(reason)))


def _formula() -> None:
    st.latex(r"y = \gamma\,\frac{w * x + b - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta")
    st.latex(r"\phantom{y} = (s\,w) * x + (b - \mu)\,s + \beta")
    st.latex(r"s = \gamma \,/\, \sqrt{\sigma^2 + \varepsilon}")
    with st.expander(_("How to read this")):
        st.markdown(
            _(
                "In evaluation BatchNorm is one factor and one shift, and so is what a convolution "
                "can do by itself. Programs that only predict fold the two together and save a "
                "pass over all values."
            )
        )


def _checked(result: "Folding", images: int) -> str:
    check = result.check
    text = _(
        "Checked on these {images} images: with {pairs} layers folded, no output changes by more "
        "than **{difference}**; the largest output is {largest}."
    )
    return text.format(
        pairs=check.pairs,
        images=images,
        difference=significant(check.difference, 2),
        largest=significant(check.largest),
    )


def _factors(pair: "Folded", result: "Folding") -> None:
    from resviz.probes.batchnorm.folding import table

    heading = _("What {layer} makes of {convolution}")
    names = {"layer": escaped(pair.norm), "convolution": escaped(pair.convolution)}
    st.header(heading.format(**names), anchor=False)
    labels = folding.Labels(
        channel=_("channel"),
        scale=_("factor s of the kernel"),
        bias=_("new bias"),
    )
    alt = _("Factor and new bias of the {count} channels of {layer}")
    chart(
        folding.factors(pair.scale, pair.bias, labels, page.dark()),
        alt=alt.format(count=len(pair.scale), layer=pair.norm),
        caption=_largest_factor(pair.scale),
        table=table(result.pairs),
        name="folded",
        how_to_read=_(
            "A bar is a channel: its kernel times the green factor, plus the purple bias."
        ),
    )


def _largest_factor(scale: np.ndarray) -> str:
    largest = int(np.abs(scale).argmax())
    text = _("Channel {largest} is multiplied most, by {most}; the median is {median}.")
    median = significant(float(np.median(scale)))
    return text.format(largest=largest, most=significant(scale[largest]), median=median)
