"""The pictures of a folder, or of a zip of one: which split and which class each belongs to.

As `torchvision.datasets.ImageFolder` reads them: `train/CLASS/**` and `val/CLASS/**` (or `test/`),
alone or inside other folders. Without a validation split every tenth picture of each class becomes
one. What a file is decides its content where its suffix does not; hidden files, what macOS adds to
a zip, and notes such as `labels.csv` are no pictures.
"""

import os
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from resviz.data import zip_names
from resviz.data.formats import magic
from resviz.data.images import MAX_BYTES
from resviz.errors import DataError, Sentence

# files with these are taken for pictures before they are opened, all others after a look inside
PICTURES = "png apng jpg jpeg jpe jfif webp bmp gif tif tiff avif"
SUFFIXES = frozenset(f".{name}" for name in PICTURES.split())
# what lies beside pictures and is never meant as one
OTHERS = (
    "txt csv tsv json jsonl xml yaml yml toml md html ini db log py ipynb npy npz mat pkl pt pth h5"
    " pdf zip tar gz url lnk"
)
NOTES = frozenset(f".{name}" for name in OTHERS.split())
SPLITS = {"train": "train", "val": "test", "test": "test", "valid": "test", "validation": "test"}
HEAD = 2048  # bytes that tell what a file is


class File(NamedTuple):
    """One file of a class; `reason` says why it can be no picture, empty where it may be one."""

    split: str
    label: str
    name: str
    read: Callable[[], bytes]
    reason: Sentence | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    path: PurePosixPath
    open: Callable[[], IO[bytes]]

    def read(self) -> bytes:
        """No more than a picture may have: of a zip a few bytes may unpack to gigabytes."""
        with self.open() as file:
            return file.read(MAX_BYTES + 1)

    def foreign(self) -> Sentence | None:
        """Why this is no picture, told by the first bytes; None where it may be one."""
        if self.path.suffix.lower() in SUFFIXES:
            return None
        try:
            with self.open() as file:
                head = file.read(HEAD)
        except (OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
            return None  # reading the whole will say what is wrong
        if magic.kind(head):
            return None
        kind = magic.looks_like(head)
        if kind:
            return Sentence("This looks like {kind}, which resviz cannot read.", kind=kind)
        return Sentence("This is none of the kinds of picture that resviz reads.")


def list_files(root: Path) -> list[File]:
    """The files of classes in the order of their names, with a test split; raises `DataError`.

    The split is `train` where no folder names one; the class is the folder below it. Where there
    are splits, what lies beside them does not count.
    """
    by_path = {entry.path: entry for entry in _entries(root)}  # of two entries the later counts
    entries = [entry for path, entry in by_path.items() if _may_be_picture(path)]
    reasons = {entry.path: entry.foreign() for entry in entries}
    pictures = [entry.path for entry in entries if reasons[entry.path] is None]
    place = _place_of_split(pictures)
    files = [
        _file(entry, place, reasons[entry.path])
        for entry in entries
        if _split(entry.path, place) and len(entry.path.parts) > place.depth + 2
    ]
    classes = {file.label for file in files if file.reason is None}
    of_classes = [file for file in files if file.label in classes]
    return _with_test_split(sorted(of_classes, key=lambda file: file[:3]))


class _Place(NamedTuple):
    """How deep the folders of the splits lie, or would lie, and whether there are any."""

    depth: int
    named: bool


def _place_of_split(pictures: list[PurePosixPath]) -> _Place:
    named = [
        i for path in pictures for i, part in enumerate(path.parts[:-2]) if part.lower() in SPLITS
    ]
    return _Place(min(named), True) if named else _Place(_shared_folders(pictures) - 1, False)


def _split(path: PurePosixPath, place: _Place) -> str | None:
    if not place.named:
        return "train"
    return SPLITS.get(path.parts[place.depth].lower()) if len(path.parts) > place.depth else None


def _file(entry: _Entry, place: _Place, reason: Sentence | None) -> File:
    split = _split(entry.path, place) or "train"
    # macOS takes letters apart (NFD), labels of models are whole (NFC)
    label = unicodedata.normalize("NFC", entry.path.parts[place.depth + 1])
    return File(split, label, str(entry.path), entry.read, reason)


def _entries(root: Path) -> Iterator[_Entry]:
    """Every file of a folder, through links too, or of a zip, by its path inside."""
    try:
        root = root.expanduser()
        if root.is_dir():
            yield from _of_folder(root)
        elif zipfile.is_zipfile(root):
            yield from _of_zip(root)
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


def _of_folder(root: Path) -> Iterator[_Entry]:
    for folder, _, names in os.walk(root, followlinks=True):
        for path in (Path(folder, name) for name in names):
            if path.is_file():  # reading a pipe would never end
                inside = PurePosixPath(path.relative_to(root).as_posix())
                yield _Entry(inside, partial(_open, path))


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


def _of_zip(root: Path) -> Iterator[_Entry]:
    archive = zipfile.ZipFile(root)
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    for entry, name in zip(entries, zip_names.names(entries), strict=True):
        yield _Entry(PurePosixPath(name), partial(archive.open, entry))


def _may_be_picture(path: PurePosixPath) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return len(path.parts) > 1 and not hidden and path.suffix.lower() not in NOTES


def _shared_folders(paths: Iterable[PurePosixPath]) -> int:
    """How many folders lie around those of the classes."""
    levels = zip(*(path.parts[:-2] for path in paths), strict=False)
    return sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, levels))


def _with_test_split(files: list[File]) -> list[File]:
    if any(file.split == "test" for file in files):
        return files
    seen: dict[str, int] = {}
    result = []
    for file in files:
        seen[file.label] = seen.get(file.label, -1) + (file.reason is None)
        tenth = seen[file.label] % 10 == 9
        result.append(file._replace(split="test") if tenth else file)
    return result
