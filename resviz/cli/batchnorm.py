"""BatchNorm: what its layers hold, how far images drift from it, and what other statistics give."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result, progress
from resviz.cli.parsing import (
    Command,
    add,
    load,
    whole,
    with_batch,
    with_dataset,
    with_image,
    with_model,
    with_sample,
)
from resviz.errors import ResvizError

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.data.datasets import Split
    from resviz.models.zoo import LoadedModel

BATCH = 200


def batchnorm(options: argparse.Namespace) -> Result:
    """Tell what BatchNorm stores, and how far images lie from it."""
    from resviz.probes.batchnorm.layers import has_batch_norm
    from resviz.probes.batchnorm.statistics import batchnorm as probe
    from resviz.probes.batchnorm.summary import table

    loaded = load(options.model)
    result: Result = {"model": loaded.name, "images": len(options.image)}
    if not has_batch_norm(loaded.model):
        return result | _without_batch_norm(loaded)
    x = pictures(options, loaded) if options.image else None
    result["layers"] = table(probe(loaded.model, x)).records()
    if options.compare:
        result["modes"] = _modes(loaded, x)
    if options.fold:
        result["folded"] = _folded(loaded, x)
    if options.dataset:
        result["dataset"] = _accuracies(options, loaded)
    return result


def _without_batch_norm(loaded: "LoadedModel") -> Result:
    from resviz.probes.batchnorm.layers import affine_layers, without_batch_norm

    others = [
        {"name": layer.layer, "kind": layer.kind, "channels": len(layer.beta)}
        for layer in affine_layers(loaded.model)
    ]
    return {"layers": [], "note": without_batch_norm(loaded.model), "others": others}


def pictures(options: argparse.Namespace, loaded: "LoadedModel") -> "Tensor":
    """The pictures as the model receives them, corrupted where asked for: (n, channels, h, w)."""
    import numpy as np
    import torch

    from resviz.data.images import open_file

    views = [loaded.preprocess.view(open_file(Path(path)).image) for path in options.image]
    pixels = torch.stack([torch.from_numpy(np.array(view)) for view in views])
    return prepared(options, loaded, pixels.permute(0, 3, 1, 2))


def prepared(options: argparse.Namespace, loaded: "LoadedModel", pixels: "Tensor") -> "Tensor":
    """Views of pictures, corrupted where asked for and normalised, where the model runs."""
    from resviz.data.corruptions import corrupt
    from resviz.device import best

    corrupted = corrupt(pixels.contiguous(), options.corrupt, options.strength)
    return loaded.normalise(corrupted).to(best().type)


def _modes(loaded: "LoadedModel", x: "Tensor | None") -> list[Result]:
    """The likeliest class of each image with stored and with the batch's own statistics."""
    from resviz.probes.batchnorm.modes import batchnorm_modes

    if x is None:
        raise ResvizError(
            "Answers are compared for pictures; name at least one, or leave out --compare."
        )
    records = []
    for mode in batchnorm_modes(loaded.model, x):
        guesses = [mode.top(image, loaded.labels, 1)[0] for image in range(len(x))]
        answers = [f"{guess.label} {guess.probability:.3f}" for guess in guesses]
        records.append({"name": mode.name, "change_mean": mode.change.mean(), "top": answers})
    return records


def _folded(loaded: "LoadedModel", x: "Tensor | None") -> Result:
    """How many layers go into the convolution before them, and how much outputs change at most."""
    from resviz.probes.batchnorm.folding import folding

    if x is None:
        raise ResvizError("Folding is checked on pictures; name at least one, or leave out --fold.")
    check = folding(loaded.model, x).check
    return {
        "layers": check.pairs,
        "largest_difference": check.difference,
        "largest_output": check.largest,
    }


def _accuracies(options: argparse.Namespace, loaded: "LoadedModel") -> Result:
    """Accuracy on one half of a sample of the test split, with statistics of the other (AdaBN)."""
    from resviz.probes.batchnorm.modes import MODES, accuracy
    from resviz.probes.batchnorm.recalibration import recalibrate

    split, order = in_order(options, loaded)
    other, mine = order.chunk(2)
    batches = _batches_of(options, loaded, split)
    calibration = (x for x, _targets in batches(other, "measuring statistics"))
    statistics = recalibrate(loaded.model, calibration)
    return {
        "corruption": options.corrupt,
        "strength": options.strength,
        "images": len(mine),
        "batch": options.batch,
        "recalibrated_on": statistics.images,
        "accuracy": {
            mode: accuracy(loaded.model, batches(mine, f"accuracy, {mode}"), mode, statistics)
            for mode in MODES
        },
    }


def in_order(
    options: argparse.Namespace, loaded: "LoadedModel", labelled: bool = True
) -> "tuple[Split, Tensor]":
    """The test split of the dataset, and which of its pictures are taken, in a fixed order.

    `labelled`: its classes have to be those of the model.
    """
    import torch

    from resviz.data import datasets

    data = datasets.load(
        options.dataset,
        loaded.input_size,
        progress,
        loaded.preprocess.view,
        test_only=True,
    )
    split = (datasets.with_labels(data, loaded.labels) if labelled else data).test
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(split), generator=generator)[: options.sample]
    if len(order) < 2:
        raise ResvizError(
            "{name} has one picture to test with, and two are needed; add pictures.",
            name=data.name,
        )
    return split, order


def _batches_of(
    options: argparse.Namespace, loaded: "LoadedModel", split: "Split"
) -> "Callable[[Tensor, str], Iterator[tuple[Tensor, Tensor]]]":
    """Batches of chosen pictures and their targets, with the progress said."""

    def batches(chosen: "Tensor", what: str) -> "Iterator[tuple[Tensor, Tensor]]":
        for i, part in enumerate(chosen.split(options.batch)):
            progress(i * options.batch / len(chosen), what)
            x = prepared(options, loaded, split.images[part])
            yield x, split.targets[part].to(x.device)

    return batches


def with_corruption(command: Command) -> Command:
    """Add what is done to the pictures, and how strongly."""
    kinds = "none, blur, noise, contrast or invert (default: %(default)s)"
    command.add_argument("--corrupt", default="none", metavar="KIND", help=kinds)
    strengths = "1 to 5 (default: %(default)s)"
    command.add_argument("--strength", type=whole(1, 5), default=3, metavar="N", help=strengths)
    return command


def with_count(command: Command, default: int) -> Command:
    """Add how many pictures of a dataset are taken."""
    many = "so many of its images (default: %(default)s)"
    return with_sample(command, type=whole(2, 1_000_000), default=default, help=many)


def add_to(commands: Any) -> None:
    """Add the command of this module to the parser."""
    command = with_model(add(commands, batchnorm))
    with_image(command, nargs="*", help="pictures that together are the batch")
    with_corruption(command)
    command.add_argument(
        "--compare", action="store_true", help="also the answers with the batch's own statistics"
    )
    command.add_argument(
        "--fold", action="store_true", help="also fold the layers away, and check the outputs"
    )
    with_dataset(
        command,
        required=False,
        help="folder:PATH or a zip: also the accuracy with recalibrated statistics",
    )
    with_count(command, 1000)
    with_batch(
        command,
        type=whole(2, 10_000),
        default=BATCH,
        help="images that share their own statistics (default: %(default)s)",
    )
