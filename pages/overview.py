"""What the network says about a photo, what it looks at, and the way in."""

import streamlit as st

from resviz.figures import html, raster
from resviz.ui.attribution import panels
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import said
from resviz.ui.base.page import _, escaped
from resviz.ui.services import models, photo_results
from resviz.ui.shell import sidebar
from resviz.ui.widgets import clickable

page.idea(_("What the network says, and where in the photo it looks."))
sidebar.sidebar()
photo, looks, says = page.reserved(st.columns([1, 1, 0.8], gap="medium"), 420)
subject = sidebar.subject()

with page.refusals():
    answer = photo_results.prediction(subject)
    layer = models.default_layer(subject.model)
    guess = next(
        (g for g in answer.top if str(g.index) == url_state.chosen("target")), answer.top[0]
    )
    heat = photo_results.attribution(subject, "grad-cam", layer, guess.index)
    names = models.map_blocks(subject.model)
    blocks = page.spread(names, 24)
    strip = photo_results.stage_maps(subject, blocks)

received, size = photo_results.view(subject), subject.photo.image.size
box = models.model(subject.model).preprocess.box(size)
with photo.container():
    clickable.show(
        html.framed_photo(
            raster.data_uri(photo_results.jpeg(subject.photo)),
            _("The photo {title}").format(title=said(subject.title)),
            box,
            size,
        ),
        "photo",
    )
    whole = box == (0, 0, *size)
    seen = _("The network sees all of it") if whole else _("The network sees the bright part")
    st.caption(_("The photo. {seen}, at {side} pixels.").format(seen=seen, side=received.width))
with looks.container():
    clickable.show(
        html.overlay(
            raster.data_uri(raster.photo_png(received)),
            raster.data_uri(raster.heat_png(heat.map, (448, 448))),
            _("Grad-CAM of {label} over the photo").format(label=guess.label),
            _("Opacity"),
        ),
        "overlay",
    )
    st.caption(
        _("Grad-CAM at {layer}: the warmer, the more that place speaks for **{label}**.").format(
            layer=escaped(layer), label=escaped(guess.label)
        )
    )
    if sentence := panels.nothing_positive(heat, guess.label):
        st.info(sentence)
with says.container():
    rows = [(str(g.index), g.label, g.probability) for g in answer.top]
    clickable.show(html.probability_bars(rows, str(guess.index)), "bars", "target")
    st.caption(
        _("Probability of the five likeliest classes. Click one to see where the network finds it.")
    )
    if note := models.untrained(subject.model):
        st.caption(f"**{note}**")
    page.table_download(
        _("Download the probabilities"), "probabilities", ("index", "label", "probability"), rows
    )

st.subheader(_("From pixels to meaning, block by block"), anchor=False)
sizes = {
    found.name: "×".join(map(str, found.output_shape)) for found in models.layers(subject.model)
}
tiles = []
for name, values in strip.items():
    detail = f"{sizes[name]}\n{raster.value_range(values).describe()}"
    tiles.append(html.Tile(name, raster.data_uri(raster.map_png(values)), name, detail))
picked = clickable.show(html.strip(tiles), "strip", "layer")
words = (
    _(
        "Mean over the channels of the output of {shown} of {all} blocks, each on its own scale with its ends under it."
    )
    if names[0] in models.block_names(subject.model)
    else _(
        "The blocks of this network give no maps: here are {shown} of {all} other layers, the mean over their channels."
    )
)
st.caption(words.format(shown=len(blocks), all=len(names)) + " " + _("Click one to open it."))
page.arrays_download(_("Download the maps"), "blocks", strip)
if picked:
    st.switch_page("pages/feature_maps.py")
