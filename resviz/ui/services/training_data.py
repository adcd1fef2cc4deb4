"""The dataset that a model learned from, and which of those on this machine fit it."""

from pathlib import Path
from typing import TYPE_CHECKING

from resviz.data.builtin import KNOWN, is_here
from resviz.errors import TrainingError
from resviz.training.runs import reader
from resviz.ui.base import checkpoint_names
from resviz.ui.base.bounded_cache import BoundedCache
from resviz.ui.base.i18n import said
from resviz.ui.services import models

if TYPE_CHECKING:
    from resviz.data.datasets import Split
    from resviz.models.zoo import LoadedModel

_drawn: "BoundedCache[tuple[tuple[str, ...], Split]]" = BoundedCache(8)


def own(model: str) -> str | None:
    """Name the dataset that a model was trained on, as `datasets.load` takes it.

    None for random weights, and for a file that does not name one.
    """
    if model.startswith("run/"):
        return of_run(checkpoint_names.base(model).removeprefix("run/"))
    dataset = models.model(model).card.get("dataset")
    return str(dataset["name"]) if isinstance(dataset, dict) and "name" in dataset else None


def of_run(run: str) -> str | None:
    """Name the dataset of a run, as it was asked for."""
    try:
        request = reader.read(run).config.get("request", {})
    except TrainingError:
        return None
    return str(request["dataset"]) if "dataset" in request else None


def fitting(model: str) -> tuple[str, ...]:
    """Name the datasets on this machine whose pictures are of the kind that a model knows.

    That is the one it learned from. Random weights take any; where nobody says what a file learned
    from, size and number of classes have to agree.
    """
    name = own(model)
    if name is not None:
        return (name,) if present(name) else ()
    here = [name for name in KNOWN if present(name)]
    if models.untrained(model):
        return tuple(here)
    loaded = models.model(model)
    size = loaded.input_size, len(loaded.labels)
    return tuple(name for name in here if (KNOWN[name].side, KNOWN[name].classes) == size)


def knows_photos(model: str) -> bool:
    """Tell whether photos are of the kind that a model learned from.

    A folder that it was trained on may hold anything: only its own pictures surely fit.
    """
    name = own(model)
    if name is None:
        return True
    return KNOWN[name].photos if name in KNOWN else not name.startswith("folder:")


def present(name: str) -> bool:
    """Tell whether it can be read without a download."""
    kind, _colon, path = name.partition(":")
    return is_here(name) or (kind == "folder" and Path(path).exists())


def title(name: str) -> str:
    """Name a dataset on the screen."""
    return said(KNOWN[name].title) if name in KNOWN else Path(name.partition(":")[2] or name).name


def drawn(loaded: "LoadedModel", name: str, few: int) -> "tuple[tuple[str, ...], Split]":
    """Draw `few` pictures of the test split, prepared for a model; raises `DataError`."""

    def read() -> "tuple[tuple[str, ...], Split]":
        from resviz.data import datasets

        data = datasets.load(name, loaded.input_size, view=loaded.preprocess.view, few=few)
        return data.labels, data.test

    return _drawn.get((loaded.preprocess, name, few), read)
