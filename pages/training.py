"""Train networks, alone or in a race, and watch them learn."""

import streamlit as st

from resviz.ui.base import page
from resviz.ui.base.page import _
from resviz.ui.training import monitor, setup

page.idea(_("Networks learn here, side by side: with shortcuts and without."))
monitor.colour_chips()
with page.refusals():
    with st.sidebar:
        setup.choose_and_start()
    monitor.watch()
