"""Where runs lie, and what is written there as JSON; without torch."""

import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resviz.files import atomic_write
from resviz.models.spec import ModelSpec
from resviz.paths import home
from resviz.training.schema import CONFIG


def new_folder(spec: ModelSpec) -> Path:
    """A fresh folder for a run among the others: family, depth and time of its start."""
    # the time sorts, the process keeps two servers apart
    name = f"{spec.family}-{spec.depth}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    folder, number = home() / "runs" / name, 1
    while folder.exists():  # two runs of one process within a second
        number += 1
        folder = folder.with_name(f"{name}-{number}")
    return folder


def write_config(folder: Path, values: Mapping[str, Any]) -> None:
    """Write `config.json`; a reader finds the old one or the new one. Raises `OSError`."""
    with atomic_write(folder / CONFIG) as beside:
        beside.write_text(json.dumps(values, indent=2) + "\n")


def as_json(value: object) -> str:
    """One line of JSON, which knows no NaN and no infinity: they become null."""
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: object) -> object:
    # json.dumps would write NaN, which is no JSON
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
