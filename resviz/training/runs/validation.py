"""What a run's files may say: one schema, at import and at every opening.

Files of runs are passed on, and damaged. What does not fit is a `ValueError`, which the reader
turns into a `TrainingError`: a run with nonsense is left out instead of breaking a page.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, StringConstraints

from resviz.errors import ResvizError, Sentence
from resviz.models.spec import ModelSpec
from resviz.training.config import TrainConfig
from resviz.training.request import Request
from resviz.training.schema import STATUSES, VERSION
from resviz.training.strict import Strict, checked, parsed, read_json

# Bounds that no run reaches: what is beyond them was not written by a training, and would fill a
# disk or a screen.
MOST_STEPS = 1_000_000_000
MOST_LAYERS = 20_000
MOST_EPOCHS = 10_000

Rows = Sequence[tuple[Any, ...]]
Count = Annotated[int, Field(ge=0, le=MOST_STEPS)]
Name = Annotated[str, StringConstraints(max_length=1000)]
# seconds since 1970, until the year 2200
Time = Annotated[float, Field(ge=0, le=7.3e9)]


def _network(value: object) -> str:
    """The name of a network that can be built; empty before a run says it."""
    if not isinstance(value, str) or (value and not value.startswith("new/")):
        raise ValueError("there is no such network")
    if value:
        try:
            # the page draws and names the network: a name that cannot be built would break it
            ModelSpec.parse(value.removeprefix("new/"))
        except ResvizError as reason:
            raise ValueError(str(reason)) from None
    return value


def _sentence(value: object) -> Sentence:
    if not isinstance(value, str | dict):
        raise ValueError("it is no text")
    return Sentence.from_plain(value)


class Notes(Strict):
    """What a run says about itself."""

    version: int = Field(1, ge=1, le=VERSION)
    status: Literal[STATUSES] = "crashed"  # type: ignore[valid-type]
    message: Annotated[Any, BeforeValidator(_sentence)] = Sentence("")
    model: Annotated[str, BeforeValidator(_network)] = ""
    dataset: Name = ""
    session: Name = ""
    group: Name = ""
    queued: Time = 0.0
    created: Time | None = None
    started: Time | None = None
    seconds: float = Field(0.0, ge=0)
    steps: Count = 0
    batchnorm_every: int = Field(1, ge=1, le=MOST_STEPS)
    skipped: list[Count] = Field(default_factory=list)


class DatasetNote(Strict):
    name: Name
    sha256: Name


class ConfigFile(Strict):
    """`config.json`, apart from the training itself, which `TrainConfig` and `Request` check."""

    model: Annotated[str, BeforeValidator(_network)] = ""
    config: dict[str, Any] | None = None
    request: dict[str, Any] | None = None
    dataset: DatasetNote | None = None
    device: Name = ""
    precision: Name = ""
    threads: int | None = Field(None, ge=0, le=4096)
    small_maps: bool = True


def config_file(path: Path) -> dict[str, Any]:
    """Read a `config.json` as it is, once it is known to make sense.

    Raises `OSError`, `ValueError`, and `TrainingError` for a training that cannot be.
    """
    values = read_json(path)
    file = checked(ConfigFile, values)
    if file.config is not None:
        TrainConfig.from_dict(file.config)
    if file.request is not None:
        Request.from_dict(file.request)
    result: dict[str, Any] = values
    return result


def notes(rows: Iterable[tuple[object, object]]) -> tuple[Notes, dict[str, Any]]:
    """Check the rows of `kv`; return them as a schema, and as plain values."""
    values = {}
    for key, text in rows:
        if not isinstance(key, str) or not isinstance(text, str):
            raise ValueError("a note is no text")
        values[key] = parsed(text)
    return checked(Notes, values), values


def layers(rows: Rows) -> tuple[str, ...]:
    """Check the layers (place, name) of a group; return their names in order."""
    if len(rows) > MOST_LAYERS:
        raise ValueError(f"there are {len(rows):,} layers")
    for place, (i, name) in enumerate(rows):
        if i != place or not isinstance(name, str) or not 0 < len(name) <= 500:
            raise ValueError(f"layer {place} has no name")
    return tuple(name for _, name in rows)


def step(value: object) -> int:
    """Check the number of a step."""
    if not isinstance(value, int) or not 0 <= value < MOST_STEPS:
        raise ValueError(f"there is no step {value!r}")
    return value


def columns(names: Sequence[str], rows: Rows, whole: Sequence[str]) -> dict[str, np.ndarray]:
    """Check rows of numbers; return them as one array for each column, whole numbers as int64."""
    values: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [() for _ in names]
    return {
        name: _column(name, column, name in whole)
        for name, column in zip(names, values, strict=True)
    }


def _column(name: str, values: Sequence[Any], is_whole: bool) -> np.ndarray:
    # SQLite has no NaN: a loss that was none came back as NULL
    numbers = [float("nan") if value is None and not is_whole else value for value in values]
    kind = int if is_whole else int | float
    if not all(isinstance(number, kind) for number in numbers):
        raise ValueError(f"a {name} is no number")
    array = np.array(numbers, np.int64 if is_whole else np.float64)
    if name == "step":
        array_is_right = not len(array) or (array[0] >= 0 and array[-1] < MOST_STEPS)
    elif name == "epoch":
        array_is_right = not len(array) or (array.min() >= 0 and array.max() < MOST_EPOCHS)
    elif name in ("at", "lr", "seconds"):
        array_is_right = bool(np.isfinite(array).all())
    else:
        array_is_right = True
    if not array_is_right:
        raise ValueError(f"a {name} is out of range")
    return array
