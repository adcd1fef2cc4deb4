"""Datasets with a name: one lies in the package, the others are downloaded once, by torchvision and with its checksums.

`digits`: 1,797 handwritten digits of 8x8 pixels in 17 shades (E. Alpaydin and C. Kaynak, UCI
repository, 1998: the test set of "Optical Recognition of Handwritten Digits"). They are sorted by
writer; the last 360 are the test split here, so that most of those who wrote it wrote nothing of
the training split.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from resviz import paths
from resviz.errors import DataError, Sentence, first_line
from resviz.progress import Progress, silent

DIGITS_TEST = 360
Half = tuple[UInt8[np.ndarray, "n height width 3"], Int[np.ndarray, " n"]]


@dataclass(frozen=True, slots=True)
class Known:
    """`side`: pixels; `usual`: settings of a training that suit these pictures; `megabytes` to download."""

    side: int
    title: Sentence
    classes: int
    megabytes: int = 0
    usual: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Arrays:
    """Labels and the two halves, as they were published."""

    labels: tuple[str, ...]
    train: Half
    test: Half


KNOWN = {
    "digits": Known(
        8, Sentence("Digits, 8×8"), 10, usual=MappingProxyType({"side": 8, "augmentation": "none"})
    ),
    "fashion-full": Known(28, Sentence("Fashion-MNIST"), 10, 31, MappingProxyType({"side": 28})),
    "cifar10": Known(32, Sentence("CIFAR-10"), 10, 170),
    "cifar100": Known(32, Sentence("CIFAR-100"), 100, 169),
}
_FOLDERS = {
    "fashion-full": "FashionMNIST/raw",
    "cifar10": "cifar-10-batches-py",
    "cifar100": "cifar-100-python",
}
_TORCHVISION = {"fashion-full": "FashionMNIST", "cifar10": "CIFAR10", "cifar100": "CIFAR100"}


def arrays(name: str, progress: Progress = silent) -> Arrays:
    """A named dataset, grey pictures with three equal channels. Raises `DataError` where it cannot be had."""
    return _digits() if name == "digits" else _downloaded(name, progress)


def is_here(name: str) -> bool:
    """Whether a named dataset can be had without a download."""
    return name == "digits" or (
        name in _FOLDERS and (paths.home() / "datasets" / _FOLDERS[name]).is_dir()
    )


def _digits() -> Arrays:
    with (
        (resources.files("resviz.data") / "assets" / "digits.npz").open("rb") as file,
        np.load(file) as stored,
    ):
        shades, targets = stored["images"], stored["targets"].astype(np.int64)
    images = _coloured(np.round(shades * (255 / 16)).astype(np.uint8))
    halves = (
        (images[part], targets[part]) for part in (slice(-DIGITS_TEST), slice(-DIGITS_TEST, None))
    )
    return Arrays(tuple("0123456789"), *halves)


def _downloaded(name: str, progress: Progress) -> Arrays:
    import torchvision.datasets

    folder = paths.home() / "datasets"
    published = getattr(torchvision.datasets, _TORCHVISION[name])
    size = KNOWN[name].megabytes
    progress(0.0, Sentence("getting {name}, {size} MB the first time", name=name, size=size))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        halves = [published(folder, train=train, download=True) for train in (True, False)]
    except (OSError, RuntimeError) as reason:  # no network, a full disk, a wrong checksum
        raise DataError(
            "{name} cannot be downloaded ({reason}); connect once, or train on digits, which is here.",
            name=name,
            reason=first_line(reason),
        ) from None
    train, test = (
        (_coloured(np.asarray(h.data)), np.asarray(h.targets, dtype=np.int64)) for h in halves
    )
    return Arrays(tuple(map(str, halves[0].classes)), train, test)


def _coloured(images: UInt8[np.ndarray, "..."]) -> UInt8[np.ndarray, "n height width 3"]:
    """Grey pictures (n, height, width) with three equal channels; coloured ones as they are."""
    return images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=3)
