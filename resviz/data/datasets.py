"""Datasets as tensors in memory: every image is decoded once, none is read again while training.

`known` has the datasets with a name. `folder:PATH` is a folder, or a zip of one, with
`train/CLASS/**` and `val/CLASS/**` (or `test/`), alone or inside other folders, as
`torchvision.datasets.ImageFolder` reads them. Without a validation split every tenth image of each
class becomes one. Hidden files, and what macOS adds to a zip, are no pictures.
"""

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from resviz.data.builtin import KNOWN, Half, arrays
from resviz.data.preprocess import Preprocess
from resviz.errors import DataError, Sentence
from resviz.progress import Progress, silent

View = Callable[[Image.Image], Image.Image]  # an RGB picture -> side x side
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
SPLITS = {"train": "train", "val": "test", "test": "test", "valid": "test", "validation": "test"}


@dataclass(frozen=True, slots=True)
class Split:
    """Images (N, 3, side, side) as uint8 and their class numbers (N,)."""

    images: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A training and a test split over the same classes; `skipped` names the files that were no pictures."""

    name: str
    labels: tuple[str, ...]
    train: Split
    test: Split
    skipped: tuple[str, ...]
    fingerprint: str

    def channel_statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of the training pixels per channel, on the scale 0 to 1.

        The deviation of a channel that never varies is given as 1: it is there to divide by.
        """
        pixels = self.train.images
        mean = torch.stack([pixels[:, c].float().mean() for c in range(3)]) / 255
        std = torch.stack([pixels[:, c].float().std() for c in range(3)]) / 255
        return tuple(round(m, 4) for m in mean.tolist()), tuple(
            round(s, 4) or 1.0 for s in std.tolist()
        )


class _File(NamedTuple):
    split: str
    label: str
    name: str
    read: Callable[[], bytes]


def load(
    name: str,
    side: int,
    progress: Progress = silent,
    view: View | None = None,
    test_only: bool = False,
    few: int | None = None,
) -> Dataset:
    """The dataset at `side` x `side` pixels: shorter side scaled and centre cut out, or as `view` does it.

    `test_only` leaves the training split empty, and the fingerprint is then the test split's. `few`
    is the same with so many pictures of it, drawn at random, always the same ones; no other is
    decoded. Raises `DataError` where it is missing, holds fewer than two classes or no picture to
    test with.
    """
    if name in KNOWN:
        return _from_arrays(name, side, progress, view, test_only, few)
    kind, _, path = name.partition(":")
    if kind != "folder" or not path:
        known = ", ".join(KNOWN)
        raise DataError(
            "There is no dataset {name!r}; use {known}, or folder:PATH with one folder for each class.",
            name=name,
            known=known,
        )
    files = _with_test_split(sorted(_list_files(Path(path))))
    labels = tuple(sorted({file.label for file in files}))
    if set(labels) <= SPLITS.keys():  # pictures in train/ itself have no class
        labels = ()
    if len(labels) < 2:
        raise DataError(
            "{path} needs at least two class folders with images, found {count}.",
            path=path,
            count=len(labels),
        )
    if test_only or few:
        files = [file for file in files if file.split == "test"]
        files = [files[place] for place in _drawn(len(files), few)]
    data = _decode_all(
        Path(path).stem or path, files, labels, side, view or Preprocess(side, side).view, progress
    )
    if not len(data.test):
        skipped = (
            Sentence(" ({count} files could not be read)", count=len(data.skipped))
            if data.skipped
            else ""
        )
        raise DataError(
            "{path} has no picture to test with{skipped}; add val/CLASS/ or ten pictures for each class.",
            path=path,
            skipped=skipped,
        )
    return data


def with_labels(data: Dataset, labels: tuple[str, ...]) -> Dataset:
    """The dataset with classes numbered as in `labels`; raises `DataError` naming the first three that are missing."""
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


def _drawn(count: int, few: int | None) -> list[int]:
    """At most `few` of so many places, in an order that is always the same; all of them in theirs for None."""
    return np.random.default_rng(0).permutation(count)[:few].tolist() if few else list(range(count))


def _from_arrays(
    name: str, side: int, progress: Progress, view: View | None, test_only: bool, few: int | None
) -> Dataset:
    found = arrays(name, progress)
    if view is None and side != KNOWN[name].side:
        view = Preprocess(side, side).view
    test = _split(found.test, view, _drawn(len(found.test[1]), few))
    whole = not (test_only or few)
    train = _split(found.train, view) if whole else Split(test.images[:0], test.targets[:0])
    digest = hashlib.sha256()
    for split in (train, test):
        digest.update(split.images.numpy().tobytes())
        digest.update(split.targets.numpy().tobytes())
    progress(1.0, name)
    return Dataset(name, found.labels, train, test, (), digest.hexdigest())


def _split(half: Half, view: View | None, places: list[int] | slice = slice(None)) -> Split:
    """The pictures at `places` as they are, or each as `view` shows it."""
    images, targets = (array[places] for array in half)
    if view is not None:
        images = np.stack([np.asarray(view(Image.fromarray(image))) for image in images])
    return Split(
        torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(targets)
    )


def _decode_all(
    name: str,
    files: list[_File],
    labels: tuple[str, ...],
    side: int,
    view: View,
    progress: Progress,
) -> Dataset:
    digest, skipped = hashlib.sha256(), []
    images = {
        split: torch.empty(_count(files, split), 3, side, side, dtype=torch.uint8)
        for split in ("train", "test")
    }
    targets: dict[str, list[int]] = {"train": [], "test": []}
    for i, file in enumerate(files):
        if i % 200 == 0:
            progress(i / len(files), Sentence("decoding {name}", name=name))
        try:
            data = file.read()
            digest.update(data)
            images[file.split][len(targets[file.split])] = _pixels(data, view)
        except Exception:  # from damaged files zipfile and Pillow raise nearly every type
            skipped.append(file.name)
        else:
            targets[file.split].append(labels.index(file.label))
    progress(1.0, Sentence("decoding {name}", name=name))
    splits = {
        s: Split(images[s][: len(targets[s])], torch.tensor(targets[s], dtype=torch.int64))
        for s in images
    }
    pretty = tuple(label.replace("_", " ") for label in labels)
    return Dataset(
        name, pretty, splits["train"], splits["test"], tuple(skipped), digest.hexdigest()
    )


def _count(files: list[_File], split: str) -> int:
    return sum(file.split == split for file in files)


def _pixels(data: bytes, view: View) -> Tensor:
    image = view(Image.open(io.BytesIO(data)).convert("RGB"))
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def _list_files(root: Path) -> Iterator[_File]:
    """The pictures with their split, `train` where no folder names one, and their class, the folder below it.

    Where there are splits, what lies beside them does not count.
    """
    pictures = {path: read for path, read in _entries(root) if _is_picture(path)}
    named = [
        i for path in pictures for i, part in enumerate(path.parts[:-2]) if part.lower() in SPLITS
    ]
    at = min(named) if named else _shared_folders(pictures) - 1  # where the split stands, or would
    for path, read in pictures.items():
        if len(path.parts) > at + 2:
            split = SPLITS.get(path.parts[at].lower()) if named else "train"
            if split:
                yield _File(split, path.parts[at + 1], str(path), read)


def _entries(root: Path) -> Iterator[tuple[PurePosixPath, Callable[[], bytes]]]:
    """Every file of a folder, through links too, or of a zip, by its path inside."""
    try:
        root = root.expanduser()
        if root.is_dir():
            for folder, _, names in os.walk(root, followlinks=True):
                for path in (Path(folder, name) for name in names):
                    if path.is_file():  # reading a pipe would never end
                        yield PurePosixPath(path.relative_to(root).as_posix()), path.read_bytes
        elif zipfile.is_zipfile(root):
            archive = zipfile.ZipFile(root)
            for entry in archive.infolist():
                if not entry.is_dir():
                    yield PurePosixPath(entry.filename), partial(archive.read, entry)
        elif root.exists():
            raise DataError(
                "{root} is neither a folder nor a zip file; give a folder of class folders.",
                root=root,
            )
        else:
            raise DataError("There is no folder or zip file {root}; check the spelling.", root=root)
    except (OSError, RuntimeError, zipfile.BadZipFile) as reason:
        raise DataError(
            "{root} cannot be read ({reason}); check the path, or make the zip file again.",
            root=root,
            reason=reason,
        ) from None


def _is_picture(path: PurePosixPath) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in SUFFIXES and len(path.parts) > 1 and not hidden


def _shared_folders(paths: Iterable[PurePosixPath]) -> int:
    """How many folders lie around those of the classes."""
    levels = zip(*(path.parts[:-2] for path in paths), strict=False)
    return sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, levels))


def _with_test_split(files: list[_File]) -> list[_File]:
    if any(file.split == "test" for file in files):
        return files
    seen: dict[str, int] = {}
    result = []
    for file in files:
        seen[file.label] = seen.get(file.label, -1) + 1
        result.append(file._replace(split="test") if seen[file.label] % 10 == 9 else file)
    return result
