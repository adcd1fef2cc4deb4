"""Train networks, alone or in a race, and watch them learn."""

import streamlit as st

from resviz.ui import layout, training, watching
from resviz.ui.layout import _

layout.idea(_("Networks learn here, side by side: with shortcuts and without."))
with layout.refusals():
    with st.sidebar:
        training.choose_and_start()
    watching.watch()
