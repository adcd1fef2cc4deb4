"""Gradient norms on disk, so that what one visitor has computed the next one reads in milliseconds.

One file per network, seed and batch under `home()/gradients`, named by a hash of all that the
numbers depend on. A file that cannot be read counts as absent, and a folder that cannot be written
keeps nothing.
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

FORMAT = 1  # counts up where the numbers of the same network change
MOST = 2000  # files; the oldest go first


def measured(name: str, seed: int, batch: Batch, progress: Progress | None = None) -> Gradients:
    """`seeds.measure`, read from disk where it is known. Weights in files may change, and are measured each time."""
    if not name.startswith("new/"):
        return measure(name, seed, batch, progress=progress)
    path = place(name, seed, batch)
    if (known := read(path)) is not None:
        return known
    found = measure(name, seed, batch, progress=progress)
    write(path, found)
    return found


def place(name: str, seed: int, batch: Batch) -> Path:
    """The file of a network, a seed and a batch."""
    key = [FORMAT, torch.__version__, seeded(name, seed), seed, batch.source, batch.size]
    return (
        paths.home()
        / "gradients"
        / f"{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]}.npz"
    )


def write(path: Path, found: Gradients) -> None:
    """Write the file complete, or not at all where the disk refuses."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as beside, beside.open("wb") as file:
            np.savez(file, **_flat(found))  # type: ignore[arg-type]
        _forget(path.parent)


def read(path: Path) -> Gradients | None:
    """What `write` kept there, None where nothing or something else is."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return _restored({name: file[name] for name in file.files})
    except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, BadZipFile):
        return None


def _forget(folder: Path) -> None:
    known = sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)
    for path in known[:-MOST]:
        path.unlink(missing_ok=True)


def _flat(found: Gradients | Parts, prefix: str = "") -> dict[str, np.ndarray]:
    values: dict[str, np.ndarray] = {}
    for f in fields(found):
        value = getattr(found, f.name)
        values |= (
            _flat(value, f"{f.name}.")
            if isinstance(value, Parts)
            else {prefix + f.name: np.array(value)}
        )
    return values


def _restored(values: dict[str, np.ndarray]) -> Gradients:
    parts: dict[str, Any] = {
        way: Parts(**_typed(Parts, values, f"{way}.")) for way in ("backward", "forward")
    }
    return Gradients(**_typed(Gradients, values), **parts)


def _typed(kind: type, values: dict[str, np.ndarray], prefix: str = "") -> dict[str, Any]:
    """Arrays as they are, names as tuples, single values as Python's own."""
    found: dict[str, Any] = {}
    for f in fields(kind):
        if f.name in ("backward", "forward"):
            continue
        value = values[prefix + f.name]
        names = f.name in ("layers", "blocks")
        found[f.name] = tuple(map(str, value)) if names else value if value.ndim else value.item()
    return found
