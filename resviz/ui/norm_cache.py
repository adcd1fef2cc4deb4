"""Batches of pictures, and what BatchNorm makes of them, computed once for everybody."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from resviz.data import samples
from resviz.data.images import Picture
from resviz.errors import ImageError
from resviz.figures import raster
from resviz.ui import cache
from resviz.ui.controls import Subject
from resviz.ui.i18n import said
from resviz.ui.i18n import translate as _
from resviz.ui.shelf import Shelf

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.probes.batch_size import BatchSizes
    from resviz.probes.batchnorm import BatchNormLayer, ChannelValues
    from resviz.probes.folding import Folded, FoldingCheck
    from resviz.probes.norm_modes import Mode
    from resviz.probes.norms import Affine

MOST = 16  # images in a batch
NOISES = 8
_KEPT = "kept-batch"
_modes: "Shelf[tuple[Mode, ...]]" = Shelf(32)


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures as the model receives them, (n, 3, side, side) in uint8; `key` tells what they were made of."""

    key: str
    titles: tuple[str, ...]
    pixels: np.ndarray


def keep_uploads() -> None:
    """The uploader for several photos; they stay for the session."""
    files = st.file_uploader(
        _("Two photos or more, at most {most}").format(most=MOST), accept_multiple_files=True, key="batch_uploads"
    )
    if files:
        st.session_state[_KEPT] = [(file.name, file.getvalue()) for file in files]
    st.caption(_("The photos stay in the server's memory and are never stored."))


def batch(subject: Subject, source: str) -> Batch:
    """The chosen pictures; raises `ImageError` for an upload that is no picture, or too many of them."""
    if source == "noise":
        side = cache.model(subject.model).input_size
        pixels = np.random.default_rng(0).integers(0, 256, (NOISES, 3, side, side), np.uint8)
        return Batch(f"noise-{NOISES}", tuple(_("noise {number}").format(number=i + 1) for i in range(NOISES)), pixels)
    shown = _pictures(subject, source)
    key = hashlib.sha256("".join(picture.sha256 for _title, picture in shown).encode()).hexdigest()
    views = [np.array(cache.view(subject.model, picture)) for _title, picture in shown]
    return Batch(key, tuple(title for title, _picture in shown), np.stack(views).transpose(0, 3, 1, 2))


def corrupted(shown: Batch, corruption: str, strength: int) -> Batch:
    """The same pictures made worse."""
    import torch

    from resviz.data.corruptions import corrupt

    pixels = corrupt(torch.from_numpy(np.ascontiguousarray(shown.pixels)), corruption, strength).numpy()
    return Batch(f"{shown.key}-{corruption}-{strength}", shown.titles, pixels)


def _pictures(subject: Subject, source: str) -> list[tuple[str, Picture]]:
    kept = st.session_state.get(_KEPT, [])
    if source == "photo":
        return [(said(subject.title), subject.shown)]
    if source == "uploads" and kept:
        if len(kept) > MOST:
            raise ImageError("{count} photos are too many; choose at most {most}.", count=len(kept), most=MOST)
        return [(name, cache.picture(data)) for name, data in kept]
    if source == "uploads":
        st.info(_("Nothing chosen yet: the samples are the batch."))
    return [(said(sample.title), cache.picture(samples.read(sample.key))) for sample in samples.SAMPLES]


def tensor(model: str, shown: Batch) -> "Tensor":
    """The batch normalised as the model wants it."""
    import torch

    return cache.normalised(cache.model(model), torch.from_numpy(shown.pixels))


def thumbnails(shown: Batch) -> list[str]:
    """Each picture as an address."""
    from PIL import Image

    return [
        raster.data_uri(raster.photo_jpeg(Image.fromarray(image.transpose(1, 2, 0)), 128)) for image in shown.pixels
    ]


@st.cache_data(max_entries=32, show_spinner=False)
def layers(model: str, key: str, _batch: Batch) -> "tuple[BatchNormLayer, ...]":
    """Every BatchNorm layer with this batch."""
    from resviz.probes.batchnorm import batchnorm

    with cache.borrowed(model) as net:
        return batchnorm(net, tensor(model, _batch))


@st.cache_data(max_entries=64, show_spinner=False)
def channel(model: str, key: str, _batch: Batch, layer: str, number: int) -> "ChannelValues":
    """One channel's histograms."""
    from resviz.probes.batchnorm import channel_values

    with cache.borrowed(model) as net:
        return channel_values(net, tensor(model, _batch), layer, number)


@st.cache_data(max_entries=16, show_spinner=False)
def sizes(model: str, key: str, _batch: Batch, layer: str) -> "BatchSizes":
    """Batches of many sizes drawn from this one."""
    from resviz.probes.batch_size import batch_size

    with cache.borrowed(model) as net:
        return batch_size(net, tensor(model, _batch), layer)


@st.cache_data(max_entries=16, show_spinner=False)
def folded(model: str, key: str, _batch: Batch) -> "tuple[tuple[Folded, ...], FoldingCheck]":
    """What each layer folds into, and how far that changes the outputs for this batch."""
    from resviz.probes.folding import folding_check, foldings

    with cache.borrowed(model) as net:
        x = tensor(model, _batch)
        return foldings(net, x[:1]), folding_check(net, x)


@st.cache_data(max_entries=16, show_spinner=False)
def spreads(model: str, key: str, _batch: Batch) -> dict[str, float]:
    """How far the outputs of each convolution scatter for this batch."""
    from resviz.probes.norms import spreads as probe

    with cache.borrowed(model) as net:
        return probe(net, tensor(model, _batch))


@st.cache_data(max_entries=16, show_spinner=False)
def affine(model: str) -> "tuple[Affine, ...]":
    """Scales and biases of a network without BatchNorm."""
    from resviz.probes.norms import affine_layers

    return affine_layers(cache.model(model).model)


def modes(model: str, shown: Batch, calibration: Batch, progress: Any) -> "tuple[Mode, ...]":
    """The batch with stored, own and recalibrated statistics, the last from `calibration`."""

    def compute() -> "tuple[Mode, ...]":
        from resviz.probes.norm_modes import batchnorm_modes, recalibrate

        with cache.borrowed(model) as net:
            progress(0.1)
            statistics = recalibrate(net, [tensor(model, calibration)])
            progress(0.4)
            return batchnorm_modes(net, tensor(model, shown), statistics)

    return _modes.get((model, shown.key, calibration.key), compute)
