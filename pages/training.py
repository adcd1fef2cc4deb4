"""Train networks, alone or in a race, and watch them learn."""

import streamlit as st

from resviz.ui.base import page as layout
from resviz.ui.base.page import _
from resviz.ui.training import monitor as watching
from resviz.ui.training import setup as training

layout.idea(_("Networks learn here, side by side: with shortcuts and without."))
with layout.refusals():
    with st.sidebar:
        training.choose_and_start()
    watching.watch()
