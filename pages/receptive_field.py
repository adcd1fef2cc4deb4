"""What one unit can see and what moves it: a linked cursor, a ladder of layers, and the arithmetic behind."""

import streamlit as st

from resviz.ui.base import page
from resviz.ui.base.page import _
from resviz.ui.receptive_field import ladder, scene, sections
from resviz.ui.shell import sidebar
from resviz.ui.widgets import layer_picker

page.idea(_("What one unit of a layer can see, and what it really looks at."))
sidebar.sidebar()
subject = sidebar.subject()

with page.refusals():
    default = scene.default_layer(subject)
    layer = layer_picker.layer_picker(subject, default).name
    scene.show(subject, layer, default)

    st.subheader(_("From layer to layer"), anchor=False)
    measure = ladder.show(subject.model, scene.side(subject), layer)

    st.divider()
    sections.show(sections.choose(), subject, layer)
    measure()
