"""Which images are the batch of the page on BatchNorm, and how they are corrupted."""

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import streamlit as st

from resviz.data.corruptions import STRENGTHS
from resviz.errors import ProbeError
from resviz.figures import html
from resviz.figures.batchnorm import drift
from resviz.ui.base import page, url_state
from resviz.ui.base.i18n import translate as _
from resviz.ui.batchnorm import results
from resviz.ui.services import image_batches, training_data
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
    """Batch and corruption of a part until the visitor chooses, which holds in all parts.

    `photo`: the photo of the sidebar is the batch, if photos are what the model knows.
    """

    photo: bool
    corruption: str

    def source(self, model: str) -> str:
        """The batch to begin with: pictures of the kind that the model learned from."""
        best = image_batches.sources(model)[0]
        return "photo" if self.photo and best == "samples" else best


DEFAULTS = Defaults(photo=False, corruption="none")


@dataclass(frozen=True, slots=True)
class Page:
    """What the page is about: model and photo, and the batch made of them.

    `others` are for measuring statistics again: pictures that the model knows, and other ones than
    the batch where they can be had. `others_of` is "samples", "data", or "batch" itself.
    """

    subject: Subject
    source: str  # a key of `_batch_titles`
    batch: Batch
    others: Batch
    others_of: str
    corruption: str
    strength: int

    @property
    def layers(self) -> "tuple[BatchNormLayer, ...]":
        """The BatchNorm layers that ran on this batch and have statistics to compare it with."""
        layers = results.layers(self.subject.model, self.batch)
        comparable = tuple(layer for layer in layers if layer.batch and isfinite(layer.drift))
        if not comparable:
            raise ProbeError(
                "No BatchNorm layer that runs here keeps running statistics, so there is nothing "
                "to compare the batch with; choose another model."
            )
        return comparable

    @property
    def calibration(self) -> Batch:
        """The others, corrupted in the same way."""
        return image_batches.corrupted(self.others, self.corruption, self.strength)


def choose(subject: Subject, defaults: Defaults = DEFAULTS) -> Page:
    """The controls for the batch, and its pictures as the network receives them.

    Where a part begins with other pictures than the others do, a line says so.
    """
    kind, harm, force = page.wide("batch").columns(
        [2.9, 2.75, 0.8], gap="medium", vertical_alignment="bottom"
    )
    with kind:
        source = _pick_source(subject.model, defaults)
    with harm:
        corruption = segmented(
            _("Corruption"), _corruption_titles(), defaults.corruption, "corruption"
        )
    with force:
        strength = _pick_strength(corruption)
    for line in (_own_choice(subject.model, defaults), _why_not(subject.model)):
        if line:
            st.caption(line)
    pictures = _pictures(subject, source)
    return Page(
        subject,
        source,
        batch=image_batches.corrupted(pictures.batch, corruption, strength),
        others=pictures.others,
        others_of=pictures.others_of,
        corruption=corruption,
        strength=strength,
    )


def _pick_source(model: str, defaults: Defaults) -> str:
    offered = image_batches.sources(model)
    titles = {source: title for source, title in _batch_titles().items() if source in offered}
    return segmented(_("The batch"), titles, defaults.source(model), "batch")


def _pick_strength(corruption: str) -> int:
    if corruption in UNGRADED:
        return STRENGTH
    return url_state.pick(st.select_slider, _("Strength"), STRENGTHS, STRENGTH, "strength")


@dataclass(frozen=True, slots=True)
class _Pictures:
    batch: Batch
    others: Batch
    others_of: str


def _pictures(subject: Subject, source: str) -> _Pictures:
    """The batch, and other pictures to measure statistics on."""
    model = subject.model
    if source == "data":
        dataset = image_batches.choose_dataset(model)
        return _Pictures(*image_batches.of_dataset(model, dataset), "data")
    if source == "uploads":
        image_batches.keep_uploads()
        if not image_batches.has_uploads():
            return _until_uploaded(subject)
    batch = image_batches.of(subject, source)
    best = image_batches.sources(model)[0]
    if best == "samples":
        return _Pictures(batch, image_batches.of(subject, "samples"), "samples")
    if best == "data":
        return _Pictures(batch, default_pictures(subject), "data")
    return _Pictures(batch, batch, "batch")


def _until_uploaded(subject: Subject) -> _Pictures:
    if "samples" in image_batches.sources(subject.model):
        st.info(_("Nothing chosen yet: the samples are the batch."))
    else:
        st.info(_("Nothing chosen yet: other pictures are the batch."))
    batch = default_pictures(subject)
    return _Pictures(batch, batch, "batch")


def default_pictures(subject: Subject) -> Batch:
    """Pictures that are there without any choice, of the kind that the model knows if possible."""
    best = image_batches.sources(subject.model)[0]
    if best == "data":
        dataset = training_data.fitting(subject.model)[0]
        return image_batches.of_dataset(subject.model, dataset)[0]
    # A photo that the model does not know would say less about it than noise.
    return image_batches.of(subject, "samples" if best == "samples" else "noise")


def _own_choice(model: str, defaults: Defaults) -> str:
    """What this part begins with, where the other parts begin otherwise and nothing was chosen."""
    own = []
    source = defaults.source(model)
    if source != DEFAULTS.source(model) and url_state.chosen("batch") is None:
        own.append(_batch_titles()[source])
    if defaults.corruption != DEFAULTS.corruption and url_state.chosen("corruption") is None:
        own.append(_corruption_titles()[defaults.corruption])
    if not own:
        return ""
    text = _(
        "{choice}: chosen by this part, so that its answers differ. What you choose yourself holds "
        "in all parts."
    )
    return text.format(choice=", ".join(own))


def _why_not(model: str) -> str:
    """Why a batch that was asked for is not offered."""
    asked = url_state.chosen("batch")
    if asked in image_batches.sources(model) or asked not in ("samples", "data"):
        return ""
    if asked == "data":
        return image_batches.missing_dataset(model)
    return _("The samples are photos, and this model learned from other pictures.")


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


def show_pictures(choice: Page, chosen: int | None = None) -> None:
    """The batch as the network receives it; with `chosen`, a click chooses one."""
    pairs = zip(choice.batch.titles, image_batches.thumbnails(choice.batch), strict=True)
    tiles = [html.Tile(str(i), uri, title) for i, (title, uri) in enumerate(pairs)]
    on = None if chosen is None else str(chosen)
    clickable.show(drift.pictures(tiles, on), "batch", "image")
