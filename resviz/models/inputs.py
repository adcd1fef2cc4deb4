"""How a network wants its pictures, and what its classes are called.

Three sources, the later one counts: what is usual for the network, what resviz wrote into its file,
and what its name says: `file/PATH?mean=0.49,0.48,0.45&std=0.2,0.2,0.2&size=32&labels=cat,dog`.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resviz.data.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from resviz.errors import CheckpointError, ModelError, Sentence
from resviz.models.spec import ModelSpec

MAX_SIDE = 2048  # pixels; what a file or a name may ask for
OPTIONS = frozenset({"mean", "std", "size", "labels"})
GREY_MEAN, GREY_STD = (0.449,), (0.226,)  # ImageNet's means over the three colours


def usual(spec: ModelSpec) -> Preprocess:
    """What networks of this stem usually get: 224 pixels with ImageNet's statistics, or 32."""
    if spec.stem == "imagenet":
        mean, std = (IMAGENET_MEAN, IMAGENET_STD) if spec.channels >= 3 else (GREY_MEAN, GREY_STD)
        return Preprocess(256, 224, _padded(mean, spec, 0.0), _padded(std, spec, 1.0))
    return Preprocess(32, 32, (0.5,) * spec.channels, (0.25,) * spec.channels)


def written(path: Path, meta: Mapping[str, object], spec: ModelSpec) -> Preprocess | None:
    """The preprocessing in a file; raises `CheckpointError` where it makes no sense."""
    values: Any = meta.get("preprocess")
    if values is None:
        return None
    try:
        mean, std = tuple(map(float, values["mean"])), tuple(map(float, values["std"]))
        preprocess = Preprocess(int(values["resize"]), int(values["crop"]), mean, std)
        if not _is_sensible(preprocess, spec):
            raise ValueError
    except (TypeError, KeyError, ValueError):
        raise CheckpointError(
            "{path} tells a preprocessing that makes no sense ({values}); save it again.",
            path=path,
            values=values,
        ) from None
    return preprocess


def asked(options: Mapping[str, str], preprocess: Preprocess, spec: ModelSpec) -> Preprocess:
    """The preprocessing with what the name of a model says; raises `ModelError`."""
    mean, std = preprocess.mean, preprocess.std
    resize, crop = preprocess.resize, preprocess.crop
    if "mean" in options:
        mean = _numbers("mean", options["mean"], spec.channels)
    if "std" in options:
        std = _numbers("std", options["std"], spec.channels)
    if "size" in options:
        resize, crop = _sides(options["size"])
    changed = Preprocess(resize, crop, mean, std, preprocess.interpolation)
    if not _is_sensible(changed, spec):
        raise ModelError("std must be above 0, got {std}.", std=", ".join(map(str, std)))
    return changed


def labels(
    options: Mapping[str, str], meta: Mapping[str, object], classes: int, head: str
) -> tuple[str, ...]:
    """Names of the classes from the name of a model, from its file, or numbers."""
    if "labels" in options:
        return _asked_labels(options["labels"], classes)
    stored = meta.get("labels")
    if isinstance(stored, list) and len(stored) == classes:
        return tuple(map(str, stored))
    return numbered(classes, head)


def numbered(classes: int, head: str = "") -> tuple[str, ...]:
    """Class 0, class 1 and so on; features where the network has no classifier."""
    word = "feature" if head == "none" else "class"
    return tuple(f"{word} {i}" for i in range(classes))


def channel_note(spec: ModelSpec) -> Sentence | None:
    """What becomes of a colour picture in a network of other than three channels."""
    if spec.channels == 3:
        return None
    if spec.channels == 1:
        return Sentence("The network receives grey pictures: of colours it sees the luminance.")
    return Sentence(
        "The network receives {count} channels: a picture fills {filled}, the others are zero.",
        count=spec.channels,
        filled=3 if spec.channels > 3 else 1,
    )


def _padded(values: tuple[float, ...], spec: ModelSpec, others: float) -> tuple[float, ...]:
    return values + (others,) * (spec.channels - len(values))


def _is_sensible(preprocess: Preprocess, spec: ModelSpec) -> bool:
    numbers = (*preprocess.mean, *preprocess.std)
    return (
        len(preprocess.mean) == len(preprocess.std) == spec.channels
        and all(map(math.isfinite, numbers))
        and min(preprocess.std) > 0
        and all(1 <= side <= MAX_SIDE for side in (preprocess.resize, preprocess.crop))
    )


def _numbers(name: str, text: str, count: int) -> tuple[float, ...]:
    """One number for each channel, or one for all of them."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
        if len(numbers) not in (1, count) or not all(map(math.isfinite, numbers)):
            raise ValueError
    except ValueError:
        raise ModelError(
            "{name} must be {count} numbers with commas between them, or one for all channels; "
            "got {text!r}.",
            name=name,
            count=count,
            text=text[:60],
        ) from None
    return numbers * count if len(numbers) == 1 else numbers


def _sides(text: str) -> tuple[int, int]:
    """`size=224`: the picture is scaled to it; `size=256,224`: scaled, then the centre cut out."""
    parts = text.split(",")
    fits = len(parts) <= 2 and all(part.isascii() and part.isdecimal() for part in parts)
    sides = [int(part) for part in parts if len(part) < 6] if fits else []
    if len(sides) != len(parts) or not 1 <= sides[-1] <= sides[0] <= MAX_SIDE:
        raise ModelError(
            "size must be pixels from 1 to {limit}, or two of them such as 256,224 for scaling "
            "and cutting out; got {text!r}.",
            limit=MAX_SIDE,
            text=text[:60],
        )
    return sides[0], sides[-1]


def _asked_labels(text: str, classes: int) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    if len(names) != classes or not all(names):
        raise ModelError(
            "labels must be {classes} names with commas between them, one for each class; got "
            "{count}.",
            classes=classes,
            count=len(names),
        )
    return names
