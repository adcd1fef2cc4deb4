"""What the network says about a photo, what it looks at, and how the photo goes through it."""

import streamlit as st

from resviz.ui.base import page
from resviz.ui.base.page import _
from resviz.ui.overview import panels
from resviz.ui.shell import sidebar

page.idea(_("What the network says, and where in the photo it looks."))
sidebar.sidebar()
(drawing,) = page.reserved([st.container()], 210)
photo, evidence, classes = page.reserved(st.columns([1, 1, 0.8], gap="medium"), 420)
subject = sidebar.subject()

with page.refusals():
    answer = panels.answer(subject)
with photo.container():
    panels.photo(subject)
with evidence.container():
    panels.evidence(subject, answer)
with classes.container():
    panels.classes(subject, answer)
panels.about_the_maps(subject, answer)
with drawing.container():
    clicked = panels.network_with_maps(subject)
if clicked:
    st.switch_page("pages/feature_maps.py")
