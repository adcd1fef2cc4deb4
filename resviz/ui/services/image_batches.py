"""Several pictures at once, as a model receives them: the samples, uploads, noise, a part of a dataset.

Of datasets the one that the model learned from is offered, where it lies on this machine, or
another that does.
"""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.data import samples
from resviz.data.builtin import KNOWN
from resviz.data.images import Picture
from resviz.errors import ImageError
from resviz.figures import raster
from resviz.ui.base import url_state
from resviz.ui.base.i18n import said
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.services import models, photo_results, pictures, training_data
from resviz.ui.services.subject import Subject

if TYPE_CHECKING:
    from torch import Tensor

MOST = 16  # images in a batch
NOISES = 8
PICTURES = 24  # of a dataset; as many others stand by to measure statistics on
EVERYWHERE = "digits"  # bundled
_KEPT = "kept-batch"


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures as the model receives them, (n, 3, side, side) in uint8; equal where the keys are."""

    key: str  # tells what they were made of
    titles: tuple[str, ...] = field(compare=False)
    pixels: np.ndarray = field(compare=False, repr=False)


def keep_uploads() -> None:
    """The uploader for several photos; they stay for the session."""
    files = st.file_uploader(
        _("Two photos or more, at most {most}").format(most=MOST),
        accept_multiple_files=True,
        key="batch_uploads",
    )
    if files:
        st.session_state[_KEPT] = [(file.name, file.getvalue()) for file in files]
    st.caption(_("The photos stay in the server's memory and are never stored."))


def of(subject: Subject, source: str) -> Batch:
    """The chosen pictures; raises `ImageError` for an upload that is no picture, or too many of them."""
    if source == "noise":
        side = models.model(subject.model).input_size
        pixels = np.random.default_rng(0).integers(0, 256, (NOISES, 3, side, side), np.uint8)
        return Batch(
            f"noise-{NOISES}",
            tuple(_("noise {number}").format(number=i + 1) for i in range(NOISES)),
            pixels,
        )
    shown = _pictures(subject, source)
    key = hashlib.sha256("".join(picture.sha256 for _title, picture in shown).encode()).hexdigest()
    views = [
        np.array(photo_results.view(Subject(subject.model, picture))) for _title, picture in shown
    ]
    return Batch(
        key, tuple(title for title, _picture in shown), np.stack(views).transpose(0, 3, 1, 2)
    )


def corrupted(shown: Batch, corruption: str, strength: int) -> Batch:
    """The same pictures made worse."""
    import torch

    from resviz.data.corruptions import corrupt

    pixels = corrupt(
        torch.from_numpy(np.ascontiguousarray(shown.pixels)), corruption, strength
    ).numpy()
    return Batch(f"{shown.key}-{corruption}-{strength}", shown.titles, pixels)


def _pictures(subject: Subject, source: str) -> list[tuple[str, Picture]]:
    kept = st.session_state.get(_KEPT, [])
    if source == "photo":
        return [(said(subject.title), subject.photo)]
    if source == "uploads" and kept:
        if len(kept) > MOST:
            raise ImageError(
                "{count} photos are too many; choose at most {most}.", count=len(kept), most=MOST
            )
        return [(name, pictures.picture(data)) for name, data in kept]
    if source == "uploads":
        st.info(_("Nothing chosen yet: the samples are the batch."))
    return [
        (said(sample.title), pictures.picture(samples.read(sample.key)))
        for sample in samples.SAMPLES
    ]


def tensor(model: str, shown: Batch) -> "Tensor":
    """The batch normalised as the model wants it."""
    import torch

    return models.normalised(models.model(model), torch.from_numpy(shown.pixels))


def thumbnails(shown: Batch) -> list[str]:
    """Each picture as an address."""
    from PIL import Image

    return [
        raster.data_uri(raster.photo_jpeg(Image.fromarray(image.transpose(1, 2, 0)), 128))
        for image in shown.pixels
    ]


def choose_dataset(model: str) -> str:
    """The picker of those that are here, the model's own first; a sentence where its own is not."""
    mine = training_data.own(model)
    if mine and not training_data.present(mine):
        st.info(
            _(
                "This model learned from {data}, which is not on this machine: {other} stands in."
            ).format(data=escaped(training_data.title(mine)), other=training_data.title(EVERYWHERE))
        )
    names = [
        name for name in dict.fromkeys([mine or EVERYWHERE, *KNOWN]) if training_data.present(name)
    ]
    if len(names) == 1:
        return names[0]
    return url_state.pick(
        st.selectbox, _("Dataset"), names, names[0], "dataset", format_func=training_data.title
    )


def of_dataset(model: str, name: str) -> tuple[Batch, Batch]:
    """Pictures of the test split as the model receives them, and as many others; raises `DataError`."""
    labels, split = training_data.drawn(models.model(model), name, 2 * PICTURES)
    pixels, titles = split.images.numpy(), [labels[i] for i in split.targets.tolist()]
    half = (len(titles) + 1) // 2
    parts = slice(0, half), slice(half, None) if len(titles) > 1 else slice(0, 1)
    first, second = (
        Batch(f"{name}-{part.start}", tuple(titles[part]), np.ascontiguousarray(pixels[part]))
        for part in parts
    )
    return first, second
