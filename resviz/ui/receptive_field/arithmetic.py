"""How the field of a layer comes about, row by row."""

import streamlit as st

from resviz.errors import ResvizError
from resviz.ui.base import page
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.i18n import whole
from resviz.ui.base.page import escaped
from resviz.ui.receptive_field import stack
from resviz.ui.services import receptive_fields
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import linked_map

_RECURRENCES = (
    r"r_l = r_{l-1} + (k-1)\,d\,j_{l-1}",
    r"\mathrm{start}_l = \mathrm{start}_{l-1} - p\,j_{l-1}",
    r"j_l = s\,j_{l-1}",
)


def draw_arithmetic(subject: Subject, layer: str) -> None:
    """Size, jump and start from the image to the layer."""
    try:
        steps = receptive_fields.arithmetic(subject.model, linked_map.side(subject), layer)
    except ResvizError as refusal:
        st.caption(escaped(whole(refusal)))
        return
    # a column each, so that none is cut where the page is narrow
    for column, recurrence in zip(st.columns(3), _RECURRENCES, strict=True):
        column.latex(recurrence)
    stack.draw_table(steps)
    st.caption(
        _("Each row is a window on the longest path from the image to {layer}.").format(
            layer=escaped(layer)
        )
    )
    with st.expander(_("How to read this")):
        st.caption(
            _(
                "The rows start from one pixel (r = 1, j = 1, start = 0) and go along the height"
                " of the image: kernel k, stride s, padding p and dilation d of each window, and"
                " behind it the size r of the field, the jump j from unit to unit, and the first"
                " pixel of the first unit's field. Windows of 1 × 1 without a stride change"
                " nothing and are left out (Araujo et al. 2019)."
            )
        )
    table = stack.table_of(steps)
    page.table_download(_("Download the rows"), f"{layer}-arithmetic", table.columns, table.rows)
