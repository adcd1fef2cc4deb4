"""Several pictures at once, as a model receives them: samples, uploads, noise, a dataset.

Samples and datasets are offered where they are of the kind that the model learned from.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.data import samples
from resviz.data.images import Picture
from resviz.errors import ImageError
from resviz.figures import raster
from resviz.ui.base import url_state
from resviz.ui.base.i18n import said
from resviz.ui.base.i18n import translate as _
from resviz.ui.base.page import escaped
from resviz.ui.services import models, photo_results, training_data
from resviz.ui.services.subject import Subject

if TYPE_CHECKING:
    from torch import Tensor

MOST = 16  # images in a batch
NOISES = 8  # pictures of noise
PICTURES = 24  # of a dataset; as many others stand by to measure statistics on
_UPLOADED = "batch-of-uploads"


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures as the model receives them, uint8 (n, 3, side, side); equal where the keys are."""

    key: str  # tells what they were made of
    titles: tuple[str, ...] = field(compare=False)
    pixels: np.ndarray = field(compare=False, repr=False)


def sources(model: str) -> tuple[str, ...]:
    """Name where pictures for a model can come from, those that fit it best first."""
    photos = training_data.knows_photos(model)
    data = bool(training_data.fitting(model))
    own = ["samples"] * photos + ["data"] * data
    return (*own, "photo", "uploads", "noise")


def keep_uploads() -> None:
    """Draw the uploader for several photos, which stay for the session, and name those in use."""
    files = st.file_uploader(
        _("Two photos or more, at most {most}").format(most=MOST),
        accept_multiple_files=True,
        key="batch_uploads",
    )
    if files:
        st.session_state[_UPLOADED] = [(file.name, file.getvalue()) for file in files]
    elif uploads := st.session_state.get(_UPLOADED):  # of another page: the uploader looks empty
        names = ", ".join(escaped(name) for name, _data in uploads)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(_("In use: {names}").format(names=names))
            st.button(_("Remove"), key="remove_batch", on_click=_forget_uploads)
    st.caption(_("The photos stay in the server's memory and are never stored."))


def _forget_uploads() -> None:
    st.session_state.pop(_UPLOADED, None)


def of(subject: Subject, source: str) -> Batch:
    """Make the batch of a source; raises `ImageError` for an upload that is no picture."""
    if source == "noise":
        return _of_noise(models.model(subject.model).input_size)
    pictures = _pictures(subject, source)
    hashes = "".join(picture.sha256 for _title, picture in pictures)
    subjects = [Subject(subject.model, picture) for _title, picture in pictures]
    views = np.stack([np.array(photo_results.view(each)) for each in subjects])
    return Batch(
        key=hashlib.sha256(hashes.encode()).hexdigest(),
        titles=tuple(title for title, _picture in pictures),
        pixels=views.transpose(0, 3, 1, 2),
    )


def _of_noise(side: int) -> Batch:
    pixels = np.random.default_rng(0).integers(0, 256, (NOISES, 3, side, side), np.uint8)
    titles = tuple(_("noise {number}").format(number=i + 1) for i in range(NOISES))
    return Batch(f"noise-{NOISES}", titles, pixels)


def has_uploads() -> bool:
    """Tell whether the visitor has chosen several photos."""
    return bool(st.session_state.get(_UPLOADED))


def corrupted(batch: Batch, corruption: str, strength: int) -> Batch:
    """Apply a corruption to each picture."""
    import torch

    from resviz.data.corruptions import corrupt

    pixels = torch.from_numpy(np.ascontiguousarray(batch.pixels))
    changed = corrupt(pixels, corruption, strength).numpy()
    return Batch(f"{batch.key}-{corruption}-{strength}", batch.titles, changed)


def _pictures(subject: Subject, source: str) -> list[tuple[str, Picture]]:
    if source == "photo":
        return [(said(subject.title), subject.photo)]
    if source == "uploads" and (uploads := st.session_state.get(_UPLOADED, [])):
        return _decoded(uploads)
    return _decoded((said(sample.title), samples.read(sample.key)) for sample in samples.SAMPLES)


def _decoded(files: Iterable[tuple[str, bytes]]) -> list[tuple[str, Picture]]:
    named = list(files)
    if len(named) > MOST:
        raise ImageError(
            "{count} photos are too many; choose at most {most}.", count=len(named), most=MOST
        )
    return [(name, photo_results.picture(data)) for name, data in named]


def tensor(model: str, batch: Batch) -> "Tensor":
    """Normalise the batch as the model wants it."""
    import torch

    return models.normalised(models.model(model), torch.from_numpy(batch.pixels))


def thumbnails(batch: Batch) -> list[str]:
    """Encode each picture as a data address."""
    from PIL import Image

    images = [Image.fromarray(pixels.transpose(1, 2, 0)) for pixels in batch.pixels]
    return [raster.data_uri(raster.photo_jpeg(image, 128)) for image in images]


def choose_dataset(model: str) -> str:
    """Pick one of the datasets that fit the model."""
    names = training_data.fitting(model)
    if len(names) == 1:
        return names[0]
    return url_state.pick(
        st.selectbox, _("Dataset"), names, names[0], "dataset", format_func=training_data.title
    )


def missing_dataset(model: str) -> str:
    """Say why no dataset is offered; empty where one is."""
    if training_data.fitting(model):
        return ""
    own = training_data.own(model)
    if own is None:
        return _("No dataset on this machine fits this model.")
    text = _("This model learned from {data}, which is not on this machine.")
    return text.format(data=escaped(training_data.title(own)))


def of_dataset(model: str, name: str) -> tuple[Batch, Batch]:
    """Draw pictures of the test split for the model, and as many others; raises `DataError`."""
    labels, split = training_data.drawn(models.model(model), name, 2 * PICTURES)
    titles = tuple(labels[i] for i in split.targets.tolist())
    pixels = split.images.numpy()
    half = (len(titles) + 1) // 2
    others = slice(half, None) if len(titles) > 1 else slice(0, 1)
    return _part(name, titles, pixels, slice(0, half)), _part(name, titles, pixels, others)


def _part(name: str, titles: tuple[str, ...], pixels: np.ndarray, part: slice) -> Batch:
    return Batch(f"{name}-{part.start}", titles[part], np.ascontiguousarray(pixels[part]))
