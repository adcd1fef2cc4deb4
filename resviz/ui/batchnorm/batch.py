"""Which images are the batch of the page on BatchNorm, and how they are corrupted."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from resviz.data.corruptions import STRENGTHS
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
from resviz.ui.widgets.segmented import segmented

if TYPE_CHECKING:
    from resviz.probes.batchnorm.statistics import BatchNormLayer

MAX_VIOLINS = 24
STRENGTH = 3
UNGRADED = ("none", "invert")  # corruptions that have no strength


@dataclass(frozen=True, slots=True)
class Defaults:
    """Batch and corruption of a part until the visitor chooses, which holds in all parts."""

    source: str
    corruption: str


DEFAULTS = Defaults(source="samples", corruption="none")


@dataclass(frozen=True, slots=True)
class Page:
    """What the page is about: model and photo, and the batch made of them.

    `others` are for measuring statistics again: other pictures of a dataset, else the samples.
    """

    subject: Subject
    source: str  # a key of `_batch_titles`
    batch: Batch
    others: Batch
    corruption: str
    strength: int

    @property
    def layers(self) -> "tuple[BatchNormLayer, ...]":
        """All BatchNorm layers with this batch."""
        return results.layers(self.subject.model, self.batch)

    @property
    def calibration(self) -> Batch:
        """The others, corrupted in the same way."""
        return image_batches.corrupted(self.others, self.corruption, self.strength)


def choose(subject: Subject, defaults: Defaults = DEFAULTS) -> Page:
    """The controls for the batch, and its pictures as the network receives them.

    Where a part begins with other pictures than the others do, a line says so.
    """
    places = layout.wide("batch").columns(
        [2.9, 2.75, 0.8], gap="medium", vertical_alignment="bottom"
    )
    with places[0]:
        source = segmented(_("The batch"), _batch_titles(), defaults.source, "batch")
    with places[1]:
        corruption = segmented(
            _("Corruption"), _corruption_titles(), defaults.corruption, "corruption"
        )
    with places[2]:
        strength = _pick_strength(corruption)
    if own := _own_choice(defaults):
        st.caption(own)
    batch, others = _pictures(subject, source)
    shown = image_batches.corrupted(batch, corruption, strength)
    return Page(subject, source, shown, others, corruption, strength)


def _pick_strength(corruption: str) -> int:
    if corruption in UNGRADED:
        return STRENGTH
    return url_state.pick(st.select_slider, _("Strength"), STRENGTHS, STRENGTH, "strength")


def _pictures(subject: Subject, source: str) -> tuple[Batch, Batch]:
    """The batch, and other pictures to measure statistics on."""
    if source == "uploads":
        image_batches.keep_uploads()
    if source == "data":
        dataset = image_batches.choose_dataset(subject.model)
        return image_batches.of_dataset(subject.model, dataset)
    return image_batches.of(subject, source), default_pictures(subject)


def default_pictures(subject: Subject) -> Batch:
    """Pictures that are there without any choice."""
    return image_batches.of(subject, "samples")


def _own_choice(defaults: Defaults) -> str:
    """What this part begins with, where the other parts begin otherwise and nothing was chosen."""
    own = []
    if defaults.source != DEFAULTS.source and url_state.chosen("batch") is None:
        own.append(_batch_titles()[defaults.source])
    if defaults.corruption != DEFAULTS.corruption and url_state.chosen("corruption") is None:
        own.append(_corruption_titles()[defaults.corruption])
    if not own:
        return ""
    text = _(
        "{choice}: chosen by this part, so that its answers differ. What you choose yourself holds "
        "in all parts."
    )
    return text.format(choice=", ".join(own))


def _batch_titles() -> dict[str, str]:
    return {
        "samples": _("Samples"),
        "photo": _("This photo"),
        "uploads": _("Uploads"),
        "data": _("Dataset"),
        "noise": _("Noise"),
    }


def _corruption_titles() -> dict[str, str]:
    return {
        "none": _("None"),
        "blur": _("Blur"),
        "noise": _("Noise"),
        "contrast": _("Contrast"),
        "invert": _("Negative"),
    }


def show_pictures(page: Page, chosen: int | None = None) -> None:
    """The batch as the network receives it; with `chosen`, a click chooses one."""
    pairs = zip(page.batch.titles, image_batches.thumbnails(page.batch), strict=True)
    tiles = [html.Tile(str(i), uri, title) for i, (title, uri) in enumerate(pairs)]
    on = None if chosen is None else str(chosen)
    clickable.show(drift.pictures(tiles, on), "batch", "image")
