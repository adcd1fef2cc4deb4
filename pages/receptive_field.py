"""What one unit can see and what moves it: a linked cursor, a ladder of layers, and the arithmetic behind."""

import streamlit as st

from resviz.ui.base import page as layout
from resviz.ui.base.page import _
from resviz.ui.receptive_field import ladder as field_ladder
from resviz.ui.receptive_field import scene as receptive_field
from resviz.ui.receptive_field import sections as field_tabs
from resviz.ui.shell import sidebar as controls
from resviz.ui.widgets import layer_picker as pickers

layout.idea(_("What one unit of a layer can see, and what it really looks at."))
controls.sidebar()
subject = controls.subject()

with layout.refusals():
    default = receptive_field.default_layer(subject)
    layer = pickers.layer_picker(subject, default).name
    receptive_field.show(subject, layer, default)

    st.subheader(_("From layer to layer"), anchor=False)
    measure = field_ladder.show(subject.model, receptive_field.side(subject), layer)

    st.divider()
    field_tabs.show(field_tabs.choose(), subject, layer)
    measure()
