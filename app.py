"""The router: a page from `pages/` under the frame that all pages share.

Start it with `streamlit run app.py`.
"""

import streamlit as st

from resviz.ui.base import page as layout
from resviz.ui.base import url_state

layout.frame()
page = layout.navigation()
url_state.publish(page.url_path)
# before the page imports what it needs: the first thing to read comes at once
st.title(page.title, anchor=False)
page.run()
