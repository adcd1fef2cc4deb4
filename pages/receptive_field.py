"""What one unit can see and what moves it: a linked cursor, a ladder of layers, the arithmetic."""

import streamlit as st

from resviz.errors import ProbeError
from resviz.ui.base import page, url_state
from resviz.ui.base.page import _
from resviz.ui.receptive_field import ladder, scene, sections, unit
from resviz.ui.shell import sidebar
from resviz.ui.widgets import layer_picker, linked_map

page.idea(_("What one unit of a layer can see, and what it really looks at."))
sidebar.sidebar()
subject = sidebar.subject()

with page.refusals():
    default = scene.default_layer(subject)
    layer = layer_picker.layer_picker(subject, default).name
    asked = url_state.chosen("layer")
    if asked and asked != layer:
        scene.draw_other_layer(asked, layer)
    try:
        chosen = scene.choose_scene(subject, layer)
        effective = scene.effective_field(subject, chosen)
    except ProbeError as refusal:
        page.refuse(refusal)
        scene.offer_layer(default)
    else:
        scene.draw_scene(subject, chosen, effective)
        unit.draw_unit(subject, chosen, effective)

    st.header(_("From layer to layer"), anchor=False)
    measure = ladder.draw_ladder(subject.model, linked_map.side(subject), layer)

    st.divider()
    sections.draw_section(subject, layer)
    measure()
