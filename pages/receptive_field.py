"""What one unit can see and what moves it: a linked cursor, a ladder of layers, and the arithmetic behind."""

import streamlit as st

from resviz.ui import controls, field_tabs, layout, pickers, receptive_field
from resviz.ui.layout import _

layout.idea(_("What one unit of a layer can see, and what it really looks at."))
controls.sidebar()
subject = controls.subject()

with layout.refusals():
    layer = pickers.layer_picker(subject, receptive_field.default_layer(subject)).name
    scene = receptive_field.choose(subject, layer)
    found = receptive_field.effective(subject, scene)
    receptive_field.show_unit(subject, scene, found)
    receptive_field.show_facts(subject, scene, found)

    st.subheader(_("From layer to layer"), anchor=False)
    receptive_field.show_ladder(subject, layer)

    st.divider()
    field_tabs.show(field_tabs.choose(), subject, layer)
