"""Train networks, alone or in a race, and watch them learn."""

import streamlit as st

from resviz.ui import layout, training, watching
from resviz.ui.layout import _

layout.idea(_("Networks learn here, side by side: with shortcuts and without."))
plan, picture = st.columns([1, 2.5], gap="large")
with layout.refusals():
    with plan:
        training.choose_and_start()
    with picture:
        watching.watch()
