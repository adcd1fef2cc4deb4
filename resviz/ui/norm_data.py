"""A dataset as the batch: the one that the model learned from, where it lies on this machine, or another that does."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from resviz.data.known import KNOWN, is_here
from resviz.errors import TrainingError
from resviz.training import records
from resviz.ui import cache, layout, view
from resviz.ui.i18n import said
from resviz.ui.i18n import translate as _
from resviz.ui.norm_cache import Batch
from resviz.ui.shelf import Shelf

if TYPE_CHECKING:
    from resviz.data.datasets import Split
    from resviz.models.zoo import LoadedModel

PICTURES = 24  # of a batch; as many others stand by to measure statistics on
EVERYWHERE = "digits"  # bundled
_drawn: "Shelf[tuple[tuple[str, ...], Split]]" = Shelf(8)


def own(model: str) -> str | None:
    """What a model was trained on: a name for `datasets.load` where it tells one; None for random weights."""
    if model.startswith("run/"):
        return of_run(model.removeprefix("run/").partition("?")[0])
    told = cache.model(model).card.get("dataset")
    return str(told["name"]) if isinstance(told, dict) and "name" in told else None


def of_run(run: str) -> str | None:
    """The dataset of a run, as it was asked for."""
    try:
        asked = records.read(run).config.get("request", {})
    except TrainingError:
        return None
    return str(asked["dataset"]) if "dataset" in asked else None


def present(name: str) -> bool:
    """Whether it can be read without a download."""
    kind, _colon, path = name.partition(":")
    return is_here(name) or (kind == "folder" and Path(path).exists())


def title(name: str) -> str:
    """A dataset's name for people."""
    return said(KNOWN[name].title) if name in KNOWN else Path(name.partition(":")[2] or name).name


def choose(model: str) -> str:
    """The picker of those that are here, the model's own first; a sentence where its own is not."""
    mine = own(model)
    if mine and not present(mine):
        st.info(
            _("This model learned from {data}, which is not on this machine: the batch is {other}.").format(
                data=layout.escaped(title(mine)), other=title(EVERYWHERE)
            )
        )
    names = [name for name in dict.fromkeys([mine or EVERYWHERE, *KNOWN]) if present(name)]
    if len(names) == 1:
        return names[0]
    return view.pick(st.selectbox, _("Dataset"), names, names[0], "dataset", format_func=title)


def batches(model: str, name: str) -> tuple[Batch, Batch]:
    """Pictures of the test split as the model receives them, and as many others; raises `DataError`."""
    labels, split = drawn(cache.model(model), name, 2 * PICTURES)
    pixels, titles = split.images.numpy(), [labels[i] for i in split.targets.tolist()]
    half = (len(titles) + 1) // 2
    parts = slice(0, half), slice(half, None) if len(titles) > 1 else slice(0, 1)
    first, second = (
        Batch(f"{name}-{part.start}", tuple(titles[part]), np.ascontiguousarray(pixels[part])) for part in parts
    )
    return first, second


def drawn(loaded: "LoadedModel", name: str, few: int) -> "tuple[tuple[str, ...], Split]":
    """Labels and some pictures of the test split, prepared for a model; raises `DataError`."""

    def read() -> "tuple[tuple[str, ...], Split]":
        from resviz.data import datasets

        data = datasets.load(name, loaded.input_size, view=loaded.preprocess.view, few=few)
        return data.labels, data.test

    return _drawn.get((loaded.preprocess, name, few), read)
