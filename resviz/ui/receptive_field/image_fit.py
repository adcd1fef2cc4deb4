"""Where the image is too small for the network, and what a gentler stem would change."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.services import receptive_fields
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import linked_map

if TYPE_CHECKING:
    from resviz.probes.receptive_field.input_size import ImageFit, LayerFit

_ROWS, _TALL = 60, 2000  # a longer table scrolls, in so many pixels


def draw_fit(subject: Subject) -> None:
    """The verdict in a sentence, and the convolutions it rests on."""
    fit = receptive_fields.fit(subject.model, linked_map.side(subject))
    st.markdown(_verdict(fit))
    if fit.relaxed is not None:
        st.markdown(_with_gentler_stem(fit, fit.relaxed))
    rows = [_row(layer) for layer in fit.layers]
    height: Any = "content" if len(rows) <= _ROWS else _TALL
    st.dataframe(rows, hide_index=True, width="stretch", height=height)
    st.caption(_("A convolution whose input sees the whole image has no wider context to add."))
    with st.expander(_("How to read this")):
        st.caption(
            _(
                "Where even the shortest path sees the whole image, Richter et al. 2021 found that"
                " a convolution does not help. Skips keep the shortest path short."
            )
        )


def _verdict(fit: "ImageFit") -> str:
    """Whether the image fits, and how many convolutions it does not suit."""
    height, width = fit.input_size
    if fit.outgrown is None:
        return _("**The image fits:** no convolution sees more than its {h} × {w} px.").format(
            h=height, w=width
        )
    return _(
        "**From {layer} on a unit could see more than the image** of {h} × {w} px. {all} of {count}"
        " convolutions work on inputs that already see everything, {alone} of them even along the"
        " shortest path; in {padded} more than half of the field is padding."
    ).format(
        layer=escaped(fit.outgrown),
        h=height,
        w=width,
        all=len(fit.seeing_all),
        count=len(fit.layers),
        alone=len(fit.unproductive),
        padded=len(fit.mostly_padding),
    )


def _with_gentler_stem(fit: "ImageFit", relaxed: "ImageFit") -> str:
    """What stride 1 in the stem would change."""
    return _(
        "With stride 1 in the stem ({stem}), {all} of {count} convolutions would see everything"
        " already, and {padded} would see mostly padding, at many times the work."
    ).format(
        stem=escaped(", ".join(fit.stem)),
        all=len(relaxed.seeing_all),
        count=len(fit.layers),
        padded=len(relaxed.mostly_padding),
    )


def _row(layer: "LayerFit") -> dict[str, Any]:
    """One convolution."""
    return {
        _("convolution"): layer.name,
        _("field (px)"): layer.size[0],
        _("padding"): f"{layer.padding:.0%}",
        _("its input sees all"): _("yes") if layer.sees_all else "",
        _("even by the shortest path"): _("yes") if layer.unproductive else "",
    }
