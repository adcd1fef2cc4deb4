"""BatchNorm: what its layers hold, how far images drift from it, and what other statistics would answer."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resviz.cli.output import Result, progress
from resviz.cli.parsing import add, load, whole, with_model
from resviz.errors import ResvizError

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.models.zoo import LoadedModel
    from resviz.probes.batchnorm.statistics import BatchNormLayer

BATCH = 200


def batchnorm(options: argparse.Namespace) -> Result:
    """Tell what BatchNorm stores, and how far images lie from it."""
    from resviz.probes.batchnorm.layers import affine_layers, has_batch_norm, without_batch_norm
    from resviz.probes.batchnorm.statistics import batchnorm as probe

    loaded = load(options.model)
    found: Result = {"model": loaded.name, "images": len(options.image)}
    if not has_batch_norm(loaded.model):
        others = [
            {"name": a.layer, "kind": a.kind, "channels": len(a.beta)}
            for a in affine_layers(loaded.model)
        ]
        return {**found, "layers": [], "note": without_batch_norm(loaded.model), "others": others}
    x = _images(options, loaded) if options.image else None
    found["layers"] = [_summary(layer) for layer in probe(loaded.model, x)]
    if options.compare:
        found["modes"] = _modes(loaded, x)
    if options.fold:
        found["folded"] = _folded(loaded, x)
    if options.dataset:
        found["dataset"] = _accuracies(options, loaded)
    return found


def _summary(layer: "BatchNormLayer") -> Result:
    """One layer in a few numbers: means over channels, drifts as their root mean square or median."""
    numbers: Result = {
        "name": layer.layer,
        "channels": len(layer.gamma),
        "batches": layer.batches,
        "gamma_mean": layer.gamma.mean(),
        "gamma_min": layer.gamma.min(),
        "gamma_max": layer.gamma.max(),
        "beta_mean": layer.beta.mean(),
        "running_mean": layer.running_mean.mean(),
        "running_variance": layer.running_variance.mean(),
        "scale_mean": layer.scale.mean(),
        "switched_off": len(layer.switched_off),
    }
    if layer.batch:
        numbers |= {
            "batch_mean": layer.batch.mean.mean(),
            "batch_variance": layer.batch.variance.mean(),
            "shift_rms": (layer.shift**2).mean() ** 0.5,
            "log_ratio_rms": (layer.log_ratio**2).mean() ** 0.5,
            "drift": layer.drift,
            "dead_channels": len(layer.dead),
            "constant_channels": int(layer.batch.constant.sum()),
        }
    return numbers


def _images(options: argparse.Namespace, loaded: "LoadedModel") -> "Tensor":
    """The pictures as the model receives them, corrupted where that is asked for: (n, 3, h, w)."""
    import torch

    from resviz.data.images import open_file
    from resviz.device import best

    shown = [open_file(Path(path)).image for path in options.image]
    if options.corrupt == "none":
        return torch.stack([loaded.preprocess(image) for image in shown]).to(best().type)
    return _prepared(
        options, loaded, torch.stack([_pixels(loaded.preprocess.view(image)) for image in shown])
    )


def _pixels(image: Any) -> "Tensor":
    import numpy as np
    import torch

    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def _prepared(options: argparse.Namespace, loaded: "LoadedModel", pixels: "Tensor") -> "Tensor":
    import torch

    from resviz.data.corruptions import corrupt
    from resviz.device import best
    from resviz.training.engine.augmentation import normalised

    statistics = torch.tensor(loaded.preprocess.mean), torch.tensor(loaded.preprocess.std)
    return normalised(corrupt(pixels, options.corrupt, options.strength), statistics).to(
        best().type
    )


def _modes(loaded: "LoadedModel", x: "Tensor | None") -> list[Result]:
    """The likeliest class of each image with stored and with the batch's own statistics."""
    from resviz.probes.batchnorm.modes import batchnorm_modes

    if x is None:
        raise ResvizError(
            "Answers are compared for pictures; name at least one, or leave out --compare."
        )
    records = []
    for mode in batchnorm_modes(loaded.model, x):
        guesses = [mode.top(i, loaded.labels, 1)[0] for i in range(len(x))]
        answers = [f"{guess.label} {guess.probability:.3f}" for guess in guesses]
        records.append({"name": mode.name, "change_mean": mode.change.mean(), "top": answers})
    return records


def _folded(loaded: "LoadedModel", x: "Tensor | None") -> Result:
    """How many layers go into the convolution before them, and by how much outputs change at most."""
    from resviz.probes.batchnorm.folding import folding_check

    if x is None:
        raise ResvizError("Folding is checked on pictures; name at least one, or leave out --fold.")
    check = folding_check(loaded.model, x)
    return {
        "layers": check.pairs,
        "largest_difference": check.difference,
        "largest_output": check.largest,
    }


def _accuracies(options: argparse.Namespace, loaded: "LoadedModel") -> Result:
    """Accuracy on one half of a sample of the test split, statistics measured again on the other (AdaBN)."""
    import torch

    from resviz.data import datasets
    from resviz.probes.batchnorm.modes import accuracy, recalibrate

    data = datasets.load(
        options.dataset, loaded.input_size, progress, loaded.preprocess.view, test_only=True
    )
    split = datasets.with_labels(data, loaded.labels).test
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(0))[: options.sample]
    if len(order) < 2:
        raise ResvizError(
            "{name} has one picture to test with, and two halves are needed; add pictures.",
            name=data.name,
        )
    other, mine = order.chunk(2)

    def batches(chosen: "Tensor", what: str) -> "Iterator[tuple[Tensor, Tensor]]":
        for i, part in enumerate(chosen.split(options.batch)):
            progress(i * options.batch / len(chosen), what)
            x = _prepared(options, loaded, split.images[part])
            yield x, split.targets[part].to(x.device)

    statistics = recalibrate(loaded.model, (x for x, _ in batches(other, "measuring statistics")))
    return {
        "corruption": options.corrupt,
        "strength": options.strength,
        "images": len(mine),
        "batch": options.batch,
        "recalibrated_on": statistics.images,
        "accuracy": {
            mode: accuracy(loaded.model, batches(mine, f"accuracy, {mode}"), mode, statistics)
            for mode in ("eval", "batch", "recalibrated")
        },
    }


def add_to(commands: Any) -> None:
    """Add the command of this module to the parser."""
    command = with_model(add(commands, batchnorm))
    command.add_argument(
        "image", nargs="*", metavar="IMAGE", help="pictures that together are the batch"
    )
    command.add_argument(
        "--corrupt",
        default="none",
        metavar="KIND",
        help="none, blur, noise, contrast or invert: what is done to the pictures (default: %(default)s)",
    )
    command.add_argument(
        "--strength", type=whole(1, 5), default=3, metavar="N", help="1 to 5 (default: %(default)s)"
    )
    command.add_argument(
        "--compare", action="store_true", help="also the answers with the batch's own statistics"
    )
    command.add_argument(
        "--fold", action="store_true", help="also fold the layers away, and check the outputs"
    )
    command.add_argument(
        "--dataset",
        metavar="D",
        help="folder:PATH or a zip: also the accuracy with recalibrated statistics",
    )
    command.add_argument(
        "--sample",
        type=whole(2, 1_000_000),
        default=1000,
        metavar="N",
        help="so many of its images (default: 1000)",
    )
    command.add_argument(
        "--batch",
        type=whole(2, 10_000),
        default=BATCH,
        metavar="N",
        help="images that share their own statistics (default: %(default)s)",
    )
