"""Datasets with a name: one lies in the package, torchvision downloads the others once.

`digits`: 1,797 handwritten digits of 8x8 pixels in 17 shades (E. Alpaydin and C. Kaynak, UCI
repository, 1998: the test set of "Optical Recognition of Handwritten Digits"). They are sorted by
writer; the last 360 are the test split here, so that most of them come from people who wrote
nothing of the training split.
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
    """What is known of a dataset before it is read."""

    side: int  # pixels
    title: Sentence
    classes: int
    megabytes: int = 0  # to download
    # settings of a training that suit these pictures
    usual: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    photos: bool = True  # else drawings or scans, to which a photo is no picture of their kind


@dataclass(frozen=True, slots=True)
class Arrays:
    """Labels and the two halves, as they were published."""

    labels: tuple[str, ...]
    train: Half
    test: Half


KNOWN = {
    "digits": Known(
        8,
        Sentence("Digits, 8×8"),
        10,
        usual=MappingProxyType({"side": 8, "augmentation": "none", "batch_size": 64, "lr": 0.1}),
        photos=False,
    ),
    "fashion-full": Known(
        28, Sentence("Fashion-MNIST"), 10, 31, MappingProxyType({"side": 28}), photos=False
    ),
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
    """A named dataset, grey pictures with three equal channels; raises `DataError`."""
    return _digits() if name == "digits" else _downloaded(name, progress)


def is_here(name: str) -> bool:
    """Whether a named dataset can be had without a download."""
    if name == "digits":
        return True
    return name in _FOLDERS and (paths.home() / "datasets" / _FOLDERS[name]).is_dir()


def _digits() -> Arrays:
    path = resources.files("resviz.data") / "assets" / "digits.npz"
    with path.open("rb") as file, np.load(file) as stored:
        shades, targets = stored["images"], stored["targets"].astype(np.int64)
    images = _coloured(np.round(shades * (255 / 16)).astype(np.uint8))
    train = images[:-DIGITS_TEST], targets[:-DIGITS_TEST]
    test = images[-DIGITS_TEST:], targets[-DIGITS_TEST:]
    return Arrays(tuple("0123456789"), train, test)


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
            "{name} cannot be downloaded ({reason}); connect once, or use digits, which is here.",
            name=name,
            reason=first_line(reason),
        ) from None
    train, test = (_half(half) for half in halves)
    return Arrays(tuple(map(str, halves[0].classes)), train, test)


def _half(published: Any) -> Half:
    targets = np.asarray(published.targets, dtype=np.int64)
    return _coloured(np.asarray(published.data)), targets


def _coloured(images: UInt8[np.ndarray, "..."]) -> UInt8[np.ndarray, "n height width 3"]:
    """Grey pictures (n, height, width) with three equal channels; coloured ones as they are."""
    return images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=3)
