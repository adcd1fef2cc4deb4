"""Gradient norms on disk, so that what one visitor has computed the next one reads in milliseconds.

One file per network, seed and batch under `home()/gradients`, named by a hash of all that the
numbers depend on. A file that cannot be read counts as absent, and a folder that cannot be written
stays empty.
"""

import contextlib
import hashlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch

from resviz import paths
from resviz.files import atomic_write
from resviz.probes.gradient_flow.norms import Gradients, Parts
from resviz.probes.gradient_flow.over_seeds import Batch, measure, seeded
from resviz.progress import Progress

FORMAT = 2  # counts up where the numbers of the same network change
MOST = 2000  # files; the oldest go first

_DAMAGED = OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, BadZipFile


def measured(name: str, seed: int, batch: Batch, progress: Progress | None = None) -> Gradients:
    """`over_seeds.measure`, read from disk where the numbers are there."""
    # weights in files may change under their name
    if not name.startswith("new/"):
        return measure(name, seed, batch, progress=progress)
    path = place(name, seed, batch)
    known = read(path)
    if known is not None:
        return known
    flow = measure(name, seed, batch, progress=progress)
    write(path, flow)
    return flow


def place(name: str, seed: int, batch: Batch) -> Path:
    """The file of a network, a seed and a batch."""
    key = [FORMAT, torch.__version__, seeded(name, seed), seed, batch.source, batch.size]
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()
    return paths.home() / "gradients" / f"{digest[:32]}.npz"


def write(path: Path, flow: Gradients) -> None:
    """Complete or not at all."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as beside, beside.open("wb") as file:
            np.savez(file, **_flat(flow))  # type: ignore[arg-type]
        _remove_oldest(path.parent)


def read(path: Path) -> Gradients | None:
    """What `write` put there, None where nothing or something else is."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return _restored({name: file[name] for name in file.files})
    except _DAMAGED:
        return None


def _remove_oldest(folder: Path) -> None:
    by_age = sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)
    for path in by_age[:-MOST]:
        path.unlink(missing_ok=True)


def _flat(flow: Gradients | Parts, prefix: str = "") -> dict[str, np.ndarray]:
    """The arrays of a result, those of its parts under `backward.` and `forward.`."""
    arrays: dict[str, np.ndarray] = {}
    for field in fields(flow):
        value = getattr(flow, field.name)
        if isinstance(value, Parts):
            arrays |= _flat(value, f"{field.name}.")
        else:
            arrays[prefix + field.name] = np.array(value)
    return arrays


def _restored(arrays: dict[str, np.ndarray]) -> Gradients:
    sums: dict[str, Any] = {
        direction: Parts(**_typed(Parts, arrays, f"{direction}."))
        for direction in ("backward", "forward")
    }
    return Gradients(**_typed(Gradients, arrays), **sums)


def _typed(kind: type, arrays: dict[str, np.ndarray], prefix: str = "") -> dict[str, Any]:
    """Arrays as they are, names as tuples, single values as Python's own."""
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in ("backward", "forward"):
            continue
        array = arrays[prefix + field.name]
        if field.name in ("layers", "blocks"):
            values[field.name] = tuple(map(str, array))
        else:
            values[field.name] = array if array.ndim else array.item()
    return values
