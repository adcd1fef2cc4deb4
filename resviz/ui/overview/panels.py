"""The overview: the photo, the evidence for a class, the likeliest classes, the blocks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.figures import html, raster
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import said
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.services import models, photo_results
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import clickable, network
from resviz.ui.widgets.evidence import nothing_positive, overlay
from resviz.ui.widgets.segmented import segmented

if TYPE_CHECKING:
    from resviz.probes.attribution.methods import Attribution
    from resviz.probes.core.prediction import Guess, Prediction

MOST_BLOCKS = 24  # whose maps are computed
HEIGHT = 84  # pixels of the largest box


@dataclass(frozen=True, slots=True)
class Answer:
    """What the network says about the photo, and how it comes to it."""

    prediction: "Prediction"
    guess: "Guess"  # the class that is looked at: the likeliest, or the one that was clicked
    evidence: "Attribution"
    maps: dict[str, np.ndarray]  # of some blocks, in forward order


def answer(subject: Subject) -> Answer:
    """Everything that the page shows, computed before anything of it is drawn."""
    prediction = photo_results.prediction(subject)
    guess = _guess(prediction)
    layer = models.default_layer(subject.model)
    evidence = photo_results.attribution(subject, "grad-cam", layer, guess.index)
    blocks = page.spread(models.map_blocks(subject.model), MOST_BLOCKS)
    return Answer(prediction, guess, evidence, photo_results.stage_maps(subject, blocks))


def _guess(prediction: "Prediction") -> "Guess":
    chosen = url_state.chosen("target")
    return next((g for g in prediction.top if str(g.index) == chosen), prediction.top[0])


def photo(subject: Subject) -> None:
    """The photo, dimmed where the network does not see it."""
    size = subject.photo.image.size
    box = models.model(subject.model).preprocess.box(size)
    picture = raster.data_uri(photo_results.jpeg(subject.photo))
    alt = _("The photo {title}").format(title=said(subject.title))
    clickable.show(html.framed_photo(picture, alt, box, size), "photo")
    side = photo_results.view(subject).width
    if box == (0, 0, *size):
        st.caption(_("The network sees all of the photo, at {side} pixels.").format(side=side))
    else:
        st.caption(_("The network sees the bright part, at {side} pixels.").format(side=side))


def evidence(subject: Subject, result: Answer) -> None:
    """Grad-CAM of the class over the photo."""
    label, layer = result.guess.label, result.evidence.layer or ""
    alt = _("Grad-CAM of {label} over the photo").format(label=label)
    clickable.show(overlay(subject, result.evidence.map, alt), "overlay")
    st.caption(
        _(
            "Grad-CAM at {layer}: the warmer a place, the stronger the evidence for **{label}**."
        ).format(layer=escaped(layer), label=escaped(label))
    )
    if sentence := nothing_positive(result.evidence, label):
        st.info(sentence)


def classes(subject: Subject, result: Answer) -> None:
    """The likeliest classes as bars; a click on one asks for the evidence for it."""
    bars = [(str(g.index), g.label, g.probability) for g in result.prediction.top]
    clickable.show(html.probability_bars(bars, str(result.guess.index)), "bars", "target")
    st.caption(_about_probabilities(result.prediction))
    _activation_switch(result.prediction)
    if note := models.untrained(subject.model):
        st.caption(f"**{note}**")
    table = result.prediction.table()
    label = _("Download the probabilities")
    page.table_download(label, "probabilities", table.columns, table.rows)


def _about_probabilities(prediction: "Prediction") -> str:
    """How scores became probabilities, which the weights of a network do not say."""
    if len(prediction.scores) == 1:
        return _("The network has one output: this is the sigmoid of its score.")
    if prediction.activation == "sigmoid":
        return _(
            "Sigmoid of each class: every class is judged alone. Click one to see the evidence "
            "for it."
        )
    return _(
        "Softmax over {count} classes, the likeliest first. Click one to see the evidence for it."
    ).format(count=len(prediction.scores))


def _activation_switch(prediction: "Prediction") -> None:
    """Softmax or sigmoid; of one output only the sigmoid says something."""
    if len(prediction.scores) == 1:
        return
    titles = {"softmax": _("Softmax"), "sigmoid": _("Sigmoid")}
    segmented(
        _("Probabilities"),
        titles,
        "softmax",
        "probability",
        help=_("A network for several labels at once has a sigmoid for each class."),
    )


def network_with_maps(subject: Subject) -> str | None:
    """The network from the photo to the answer; returns the layer that was clicked."""
    if not network.can_be_drawn(subject.model):
        return None
    return network.network(subject, "", HEIGHT)


def about_the_maps(subject: Subject, result: Answer) -> None:
    """What the pictures in the drawing are, and their numbers to take along."""
    st.caption(_about_blocks(subject, len(result.maps)))
    page.arrays_download(_("Download the maps"), "blocks", result.maps)


def _about_blocks(subject: Subject, shown: int) -> str:
    names = models.map_blocks(subject.model)
    if names[0] in models.block_names(subject.model):
        sentence = _(
            "In the drawing: the mean over the channels of a block, each on its own scale. "
            "The file has {shown} of {all} blocks."
        )
    else:
        sentence = _(
            "The blocks of this network give no maps. The file has the mean over the channels of "
            "{shown} of {all} other layers."
        )
    return sentence.format(shown=shown, all=len(names))
