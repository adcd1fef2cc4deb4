"""Add a page: one idea, a control, one result, one picture.

In resviz the file stands in `pages/`, where its name is its address, and its title in `navigation`
of `resviz/ui/base/page.py`. It runs alone as well:

Run `streamlit run examples/adding/page.py`.
"""

import streamlit as st

import resviz
from resviz.data import samples
from resviz.ui.base import page

page.frame()  # app.py does this for all pages: the tab's icon, the measures
page.idea("How many channels of each block stay silent for a photo.")

key = st.selectbox("Photo", [sample.key for sample in samples.SAMPLES])

with page.refusals():  # what a user can get wrong becomes a sentence, the rest is a bug and shows
    loaded = resviz.load("bundled/resnet18-imagenette")
    x = loaded.preprocess(resviz.decode(samples.read(key)).image)[None]
    seen = resviz.activations(loaded.model, x, resviz.blocks(loaded.model))

silent = {name: len(activation.dead) for name, activation in seen.items()}
st.bar_chart(silent, x_label="Block", y_label="Silent channels")
st.caption(f"{sum(silent.values())} channels are zero everywhere in this photo.")
