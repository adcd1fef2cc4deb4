"""The router: a page from `pages/` under the frame that all pages share.

Start it with `streamlit run app.py`.
"""

import streamlit as st

from resviz.ui.base import page, url_state

page.frame()
chosen_page = page.navigation()
url_state.publish(chosen_page.url_path)
# before the page imports what it needs: the first thing to read comes at once
st.title(chosen_page.title, anchor=False)
chosen_page.run()
