"""Models, loaded once and shared by everybody on the server, and what is known of them.

Torch is imported inside the functions: a page shows its frame first. A semaphore keeps thirty
visitors from computing at once.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from resviz import paths
from resviz.errors import ModelError, ResvizError
from resviz.progress import Progress, silent
from resviz.ui.base import checkpoint_names, memory
from resviz.ui.base.bounded_cache import BoundedCache, cached, clear_all
from resviz.ui.base.i18n import translate as _
from resviz.ui.services import model_files

if TYPE_CHECKING:
    from torch import Tensor, nn

    from resviz.models.pool import Pool
    from resviz.models.zoo import LoadedModel, ModelInfo
    from resviz.probes.core.layers import Layer

_CONCURRENT = 2
_models: "BoundedCache[tuple[LoadedModel, Pool]]" = BoundedCache(16)
_stamps: dict[str, tuple[int, int] | None] = {}
_slots = threading.BoundedSemaphore(_CONCURRENT)
_warm, _warming = threading.Event(), threading.Lock()


@contextmanager
def computing() -> Iterator[None]:
    """Wait for one of the few places at the processor."""
    warm_up()
    with _slots:
        yield


def warm_up() -> None:
    """Import torch, once: share out the cores, and end the garbage collection of its objects.

    Streamlit collects garbage after every run of every visitor; a million objects that never die
    make that slow.
    """
    with _warming:
        if _warm.is_set():
            return
        import torch

        from resviz.device import cores

        torch.set_num_threads(max(1, cores() // _CONCURRENT))
        gc.collect()
        gc.freeze()
        _warm.set()


@st.cache_data(ttl=5, show_spinner=False)
def catalogue() -> "tuple[ModelInfo, ...]":
    """List what the model picker offers."""
    from resviz.models import zoo

    return zoo.catalogue()


def _loaded(name: str, progress: Progress) -> "tuple[LoadedModel, Pool]":
    def load() -> "tuple[LoadedModel, Pool]":
        from resviz.device import best
        from resviz.models import zoo
        from resviz.models.pool import Pool

        _check_size(name)
        loaded = replace(zoo.load(model_files.with_folder(name), progress), name=name)
        loaded.model.to(best().type)
        return loaded, Pool(loaded.model, size=_CONCURRENT)

    return _models.get(name, load)


def model(name: str, progress: Progress = silent) -> "LoadedModel":
    """Return the model of that name, loaded once for the server; raises `ModelError`."""
    model_files.check(name)
    try:
        return _loaded(name, progress)[0]
    except ResvizError as refusal:
        raise model_files.without_folder(refusal) from None


def _check_size(name: str) -> None:
    """Refuse a network that an address names and that would push out everybody else's."""
    if not name.startswith("new/"):
        return
    from resviz.models.spec import ModelSpec

    size = ModelSpec.parse(name.removeprefix("new/")).size_in_bytes
    limit = memory.budget() // memory.ONE_NETWORK
    if size > limit:
        raise ModelError(
            "{name} would take {size:,.0f} MB of memory, and one network may take {limit:,.0f} MB; "
            "choose a smaller width or depth, or start the server with a larger RESVIZ_MEMORY.",
            name=name,
            size=size / 2**20,
            limit=limit / 2**20,
        )


def untrained(name: str) -> str | None:
    """Return the sentence for a network with random weights; None for another one."""
    random = (
        name.startswith("new/")
        or checkpoint_names.checkpoint(name) == checkpoint_names.START
        or model(name).card.get("weights") == "none"
    )
    if not random:
        return None
    return _("This network is untrained: its weights are random, and so is its answer.")


def refresh(name: str) -> None:
    """Forget everything if the weights of that name were written over since they were loaded."""
    stamp = _stamp(name)
    if _stamps.setdefault(name, stamp) != stamp:
        clear_all()
        st.cache_data.clear()
    _stamps[name] = stamp


def _stamp(name: str) -> tuple[int, int] | None:
    """Return when a model's file was written, and its length; None where no file can change."""
    path = _path(name)
    try:
        status = path.stat() if path else None
    except (OSError, ValueError):  # gone, not ours to read, or no name that a file can have
        return None
    return (status.st_mtime_ns, status.st_size) if status else None


def _path(name: str) -> Path | None:
    """The file that a name stands for, where it may be written again."""
    kind, _slash, rest = name.partition("?")[0].partition("/")
    if kind == "run":
        return paths.home() / "runs" / rest / "model.safetensors"
    return model_files.path_of(name) if kind == "file" else None


def is_loaded(name: str) -> bool:
    """Tell whether the model can be had without waiting."""
    return name in _models


@contextmanager
def borrowed(name: str) -> "Iterator[nn.Module]":
    """Lend a clone of the model to this caller alone, and a place at the processor."""
    pool = _loaded(name, silent)[1]
    with computing(), pool.borrow() as clone:
        yield clone


def normalised(loaded: "LoadedModel", images: "Tensor") -> "Tensor":
    """Normalise views of many pictures, uint8 (N, 3, H, W), for the model, where models run."""
    from resviz.device import best

    return loaded.normalise(images).to(best().type)


@cached(64)
def layers(name: str) -> "tuple[Layer, ...]":
    """List every layer with its shape at the model's input size."""
    from resviz.probes.core.layers import layers as probe

    return probe(model(name).model, model(name).input_size)


@cached(64)
def block_names(name: str) -> tuple[str, ...]:
    """Name the blocks of the network in forward order."""
    from resviz.probes.feature_maps.activations import blocks

    return blocks(model(name).model)


def map_blocks(name: str) -> tuple[str, ...]:
    """Name the blocks whose outputs have height and width; where none has, the layers that do."""
    spatial = [layer.name for layer in layers(name) if layer.spatial]
    return tuple(block for block in block_names(name) if block in spatial) or tuple(spatial)


@cached(64)
def default_layer(name: str) -> str:
    """Name the last layer whose map has more than one cell."""
    from resviz.probes.attribution.methods import last_spatial

    return last_spatial(model(name).model, model(name).input_size)
