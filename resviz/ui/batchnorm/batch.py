"""The page on BatchNorm: which images are the batch, and what is shown of a network without BatchNorm."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from resviz.data.corruptions import KINDS, STRENGTHS
from resviz.figures import html
from resviz.figures.batchnorm import drift
from resviz.ui.base import page as layout
from resviz.ui.base import url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.batchnorm import results
from resviz.ui.services import image_batches
from resviz.ui.services.image_batches import Batch
from resviz.ui.services.subject import Subject
from resviz.ui.widgets import clickable

if TYPE_CHECKING:
    from resviz.probes.batchnorm.statistics import BatchNormLayer

BATCHES = ("samples", "photo", "uploads", "data", "noise")
BEGIN = ("samples", "none")  # batch and corruption where nothing was chosen
MAX_VIOLINS = 24


@dataclass(frozen=True, slots=True)
class Page:
    """What the page is about: model and photo, and the batch made of them."""

    subject: Subject
    source: str  # one of BATCHES
    batch: Batch
    others: Batch  # to measure statistics on: other pictures of a dataset, else the samples
    corruption: str
    strength: int

    @property
    def layers(self) -> "tuple[BatchNormLayer, ...]":
        """All BatchNorm layers with this batch."""
        return results.layers(self.subject.model, self.batch)

    @property
    def calibration(self) -> Batch:
        """The others, made worse in the same way."""
        return image_batches.corrupted(self.others, self.corruption, self.strength)


def choose(subject: Subject, begin: tuple[str, str] = BEGIN) -> Page:
    """The controls for the batch, and its pictures as the network receives them.

    `begin`: batch and corruption until the visitor chooses, which holds in all parts; where they
    are not those of the other parts, a line says so.
    """
    source, corruption = begin
    kind, harm, force = layout.wide("batch").columns(
        [2.9, 2.75, 0.8], gap="medium", vertical_alignment="bottom"
    )
    with kind:
        source = url_state.pick(
            st.segmented_control,
            _("The batch"),
            BATCHES,
            source,
            "batch",
            required=True,
            format_func=_batch_title,
            wrap=True,
        )
    with harm:
        corruption = url_state.pick(
            st.segmented_control,
            _("Made worse by"),
            KINDS,
            corruption,
            "corruption",
            required=True,
            format_func=_corruption_title,
            wrap=True,
        )
    strength = 3
    if corruption not in ("none", "invert"):
        with force:
            strength = url_state.pick(st.select_slider, _("Strength"), STRENGTHS, 3, "strength")
    if own := _own_choice(begin):
        st.caption(
            _(
                "{choice}: chosen by this part, so that its answers differ; the others begin with the samples as they "
                "are. What you choose yourself holds in all parts."
            ).format(choice=own)
        )
    if source == "uploads":
        image_batches.keep_uploads()
    if source == "data":
        shown, others = image_batches.of_dataset(
            subject.model, image_batches.choose_dataset(subject.model)
        )
    else:
        shown, others = (image_batches.of(subject, kind) for kind in (source, "samples"))
    return Page(
        subject,
        source,
        image_batches.corrupted(shown, corruption, strength),
        others,
        corruption,
        strength,
    )


def _own_choice(begin: tuple[str, str]) -> str:
    """What is as this part begins, and neither the visitor's choice nor as in the other parts."""
    titles = _batch_title(begin[0]), _corruption_title(begin[1])
    told = zip(("batch", "corruption"), begin, BEGIN, titles, strict=True)
    return ", ".join(
        title for key, own, usual, title in told if own != usual and url_state.chosen(key) is None
    )


def _batch_title(source: str) -> str:
    return {
        "samples": _("Samples"),
        "photo": _("This photo"),
        "uploads": _("Uploads"),
        "data": _("Dataset"),
        "noise": _("Noise"),
    }[source]


def _corruption_title(kind: str) -> str:
    return {
        "none": _("Nothing"),
        "blur": _("Blur"),
        "noise": _("Noise"),
        "contrast": _("Contrast"),
        "invert": _("Negative"),
    }[kind]


def show_pictures(page: Page, chosen: int | None = None) -> None:
    """The batch as the network receives it; with `chosen`, a click chooses one."""
    pairs = zip(page.batch.titles, image_batches.thumbnails(page.batch), strict=True)
    tiles = [html.Tile(str(i), uri, title) for i, (title, uri) in enumerate(pairs)]
    clickable.show(drift.pictures(tiles, None if chosen is None else str(chosen)), "batch", "image")
