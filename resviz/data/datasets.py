"""Datasets as tensors in memory: every image is decoded once, none is read again while training.

`known` has the datasets with a name. `folder:PATH` is a folder of class folders, or a zip of one,
as `folders` reads it. Pictures are decoded by `images.decode`, as uploads are; what is left out is
named in `Dataset.skipped`, each file with the reason.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from resviz.data import folders, images
from resviz.data.builtin import KNOWN, Half, arrays
from resviz.data.dataset import Dataset, Skipped, Split
from resviz.data.preprocess import Preprocess
from resviz.errors import DataError, ImageError, Sentence, first_line
from resviz.progress import Progress, silent

__all__ = ["Dataset", "Skipped", "Split", "View", "load", "usual", "with_labels"]

View = Callable[[Image.Image], Image.Image]  # an RGB picture -> side x side
REPORT_EVERY = 200  # pictures between two calls of `progress`


def load(
    name: str,
    side: int,
    progress: Progress = silent,
    view: View | None = None,
    test_only: bool = False,
    few: int | None = None,
) -> Dataset:
    """Load a dataset at `side` x `side` pixels.

    Args:
        name: one of `builtin.KNOWN`, or `folder:PATH` for a folder or a zip of class folders.
        side: pixels of the square that each picture becomes.
        progress: hears the share done, 0 to 1, and what is being done.
        view: how a picture becomes that square; left out, the shorter side is scaled and the centre
            cut out.
        test_only: leave the training split empty; the fingerprint is then the test split's.
        few: as `test_only`, with so many pictures drawn at random, always the same ones; no other
            is decoded.

    Returns:
        Both splits as uint8 (N, 3, side, side), and in `skipped` the files that were left out.

    Raises:
        DataError: it is missing, has fewer than two classes, or no picture to test with.

    Example:
        >>> data = load("digits", 8, few=5)
        >>> data.test.images.shape, len(data.labels)
        (torch.Size([5, 3, 8, 8]), 10)
    """
    if name in KNOWN:
        return _from_arrays(name, side, progress, view, test_only, few)
    kind, _, path = name.partition(":")
    if kind != "folder" or not path:
        raise DataError(
            "There is no dataset {name!r}; use {known}, or folder:PATH with one folder for each "
            "class.",
            name=name,
            known=", ".join(KNOWN),
        )
    files = folders.list_files(Path(path))
    labels = _labels(path, files)
    if test_only or few:
        files = _test_files(files, few)
    title = Path(path).stem or path
    data = _decode_all(title, files, labels, side, view or Preprocess(side, side).view, progress)
    if not len(data.test):
        raise _without_test(path, data)
    return data


def with_labels(data: Dataset, labels: tuple[str, ...]) -> Dataset:
    """Number the classes as in `labels`; raises `DataError` where some are missing."""
    missing = [label for label in data.labels if label not in labels]
    if missing:
        raise DataError(
            "The model does not know {missing}; choose a dataset of its own classes.",
            missing=", ".join(missing[:3]),
        )
    number = torch.tensor([labels.index(label) for label in data.labels])
    train, test = (Split(split.images, number[split.targets]) for split in (data.train, data.test))
    return replace(data, labels=labels, train=train, test=test)


def usual(name: str) -> dict[str, Any]:
    """Settings of a training that suit the pictures of a dataset, by the names of `TrainConfig`."""
    return dict(KNOWN[name].usual) if name in KNOWN else {}


def _labels(path: str, files: Sequence[folders.File]) -> tuple[str, ...]:
    labels = tuple(sorted({file.label for file in files}))
    if set(labels) <= folders.SPLITS.keys():  # pictures in train/ itself have no class
        labels = ()
    if len(labels) < 2:
        raise DataError(
            "{path} needs at least two class folders with images, found {count}.",
            path=path,
            count=len(labels),
        )
    return labels


def _test_files(files: Sequence[folders.File], few: int | None) -> list[folders.File]:
    """The files of the test split, or a few of its pictures and all that are none."""
    test = [file for file in files if file.split == "test"]
    if not few:
        return test
    pictures = [file for file in test if file.reason is None]
    foreign = [file for file in test if file.reason is not None]
    return [pictures[place] for place in _drawn(len(pictures), few)] + foreign


def _without_test(path: str, data: Dataset) -> DataError:
    count = len(data.skipped)
    skipped = Sentence(" ({count} files could not be read)", count=count) if count else ""
    return DataError(
        "{path} has no picture to test with{skipped}; add val/CLASS/ or ten pictures for each "
        "class.",
        path=path,
        skipped=skipped,
    )


def _drawn(count: int, few: int | None) -> list[int]:
    """At most `few` of so many places, always the same ones; all in their order for None."""
    places = list(range(count))
    return np.random.default_rng(0).permutation(count)[:few].tolist() if few else places


def _from_arrays(
    name: str, side: int, progress: Progress, view: View | None, test_only: bool, few: int | None
) -> Dataset:
    published = arrays(name, progress)
    if view is None and side != KNOWN[name].side:
        view = Preprocess(side, side).view
    test = _split(published.test, view, _drawn(len(published.test[1]), few))
    whole = not (test_only or few)
    train = _split(published.train, view) if whole else Split(test.images[:0], test.targets[:0])
    progress(1.0, name)
    return Dataset(name, published.labels, train, test, (), _fingerprint(train, test))


def _fingerprint(*splits: Split) -> str:
    digest = hashlib.sha256()
    for split in splits:
        digest.update(split.images.numpy().tobytes())
        digest.update(split.targets.numpy().tobytes())
    return digest.hexdigest()


def _split(half: Half, view: View | None, places: list[int] | slice = slice(None)) -> Split:
    """The pictures at `places` as they are, or each as `view` shows it."""
    pixels, targets = (array[places] for array in half)
    if view is not None:
        pixels = np.stack([np.asarray(view(Image.fromarray(image))) for image in pixels])
    channels_first = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    return Split(channels_first, torch.from_numpy(targets))


class _Filling:
    """A split that is filled picture by picture; its memory is taken once."""

    def __init__(self, count: int, side: int) -> None:
        self.images = torch.empty(count, 3, side, side, dtype=torch.uint8)
        self.targets: list[int] = []

    def add(self, pixels: Tensor, target: int) -> None:
        self.images[len(self.targets)] = pixels
        self.targets.append(target)

    def split(self) -> Split:
        """What was added; an empty list would be float32 without the type."""
        targets = torch.tensor(self.targets, dtype=torch.int64)
        return Split(self.images[: len(targets)], targets)


def _decode_all(
    name: str,
    files: Sequence[folders.File],
    labels: tuple[str, ...],
    side: int,
    view: View,
    progress: Progress,
) -> Dataset:
    digest, skipped = hashlib.sha256(), []
    counts = Counter(file.split for file in files if file.reason is None)
    splits = {split: _Filling(counts[split], side) for split in ("train", "test")}
    number = {label: i for i, label in enumerate(labels)}
    for i, file in enumerate(files):
        if i % REPORT_EVERY == 0:
            progress(i / len(files), Sentence("decoding {name}", name=name))
        pixels = file.reason or _decoded(file, view, digest.update)
        if isinstance(pixels, Sentence):
            skipped.append(Skipped(file.name, pixels))
        else:
            splits[file.split].add(pixels, number[file.label])
    progress(1.0, Sentence("decoding {name}", name=name))
    pretty = tuple(label.replace("_", " ") for label in labels)
    train, test = splits["train"].split(), splits["test"].split()
    return Dataset(name, pretty, train, test, tuple(skipped), digest.hexdigest())


def _decoded(file: folders.File, view: View, note: Callable[[bytes], None]) -> Tensor | Sentence:
    """The pixels of one file, (3, side, side), or why there are none."""
    try:
        data = file.read()
        note(data)
        return _pixels(data, view)
    except ImageError as refusal:
        return refusal.sentence
    except Exception as error:  # from damaged files zipfile and its decoders raise many types
        return Sentence("The file cannot be read ({reason}).", reason=first_line(error))


def _pixels(data: bytes, view: View) -> Tensor:
    image = view(images.decode(data, min_side=1).image)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)
