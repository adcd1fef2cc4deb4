"""The statistics of a batch: against running averages, over its size, folded away, and by hand."""

import argparse
from typing import TYPE_CHECKING, Any

from resviz.cli.batchnorm import in_order, pictures, prepared, with_corruption, with_count
from resviz.cli.output import Result
from resviz.cli.parsing import (
    Command,
    add,
    load,
    whole,
    with_batch,
    with_dataset,
    with_image,
    with_layer,
    with_model,
    with_seed,
)
from resviz.errors import ResvizError

if TYPE_CHECKING:
    from torch import Tensor

    from resviz.models.zoo import LoadedModel
    from resviz.probes.batchnorm.folding import Folded
    from resviz.probes.batchnorm.worked_example import ByHand

MINIBATCH = 8


def train_eval_gap(options: argparse.Namespace) -> Result:
    """Compare accuracy with running averages and with the statistics of small batches."""
    from resviz.probes.batchnorm.train_eval_gap import train_eval_gap as probe

    loaded = load(options.model)
    split, order = in_order(options, loaded)
    x = prepared(options, loaded, split.images[order])
    gap = probe(loaded.model, x, split.targets[order], options.batch)
    return {
        "model": loaded.name,
        "dataset": options.dataset,
        "images": gap.images,
        "batch": gap.batch,
        "statistics": gap.table().records(),
    }


def batch_size(options: argparse.Namespace) -> Result:
    """Tell how far a batch's mean and variance lie from those of all images, by its size."""
    from resviz.probes.batchnorm.batch_size import batch_size as probe
    from resviz.probes.batchnorm.layers import batch_norms

    loaded = load(options.model)
    layer = options.layer or next(iter(batch_norms(loaded.model)))
    x = _images(options, loaded)
    sizes = probe(loaded.model, x, layer, draws=options.draws, seed=options.seed)
    return {
        "model": loaded.name,
        "layer": layer,
        "images": len(x),
        "draws": options.draws,
        "cells": sizes.cells,
        "effective_cells": sizes.effective_cells,
        "sizes": sizes.summary().records(),
    }


def fold(options: argparse.Namespace) -> Result:
    """Fold BatchNorm into convolutions, and check that the outputs stay the same."""
    from resviz.probes.batchnorm.folding import folding

    loaded = load(options.model)
    x = _images(options, loaded)
    result = folding(loaded.model, x)
    return {
        "model": loaded.name,
        "images": len(x),
        "largest_difference": result.check.difference,
        "largest_output": result.check.largest,
        "folded": [_summary(pair) for pair in result.pairs],
        "kept": [{"name": layer, "reason": reason} for layer, reason in result.reasons.items()],
    }


def _summary(pair: "Folded") -> Result:
    return {
        "convolution": pair.convolution,
        "name": pair.norm,
        "channels": len(pair.scale),
        "factor_mean": pair.scale.mean(),
        "factor_max": abs(pair.scale).max(),
        "bias_mean": pair.bias.mean(),
    }


def batchnorm_by_hand(options: argparse.Namespace) -> Result:
    """Take one training step of BatchNorm with numbers of your own."""
    import numpy as np

    from resviz.probes.batchnorm.worked_example import batchnorm_by_hand as probe
    from resviz.probes.batchnorm.worked_example import read_batch

    x = read_batch(options.values.replace("/", "\n")) + options.bias
    ones = np.ones(x.shape[1])
    step = probe(
        x,
        gamma=options.gamma * ones,
        beta=options.beta * ones,
        running_mean=0 * ones,
        running_variance=ones,
        momentum=options.momentum,
    )
    return {"values": step.table().records(), "channels": _channels(step)}


def _channels(step: "ByHand") -> list[Result]:
    names = ("mean", "variance", "running_mean", "running_variance")
    columns = [getattr(step, name) for name in names]
    return [dict(zip(names, numbers, strict=True)) for numbers in zip(*columns, strict=True)]


def _images(options: argparse.Namespace, loaded: "LoadedModel") -> "Tensor":
    """The pictures that were named, else some of the dataset."""
    if options.image:
        return pictures(options, loaded)
    if options.dataset:
        split, order = in_order(options, loaded, labelled=False)
        return prepared(options, loaded, split.images[order])
    raise ResvizError("There is nothing to measure on; name pictures, or a --dataset.")


def add_to(commands: Any) -> None:
    """Add the commands of this module to the parser."""
    gap = with_model(add(commands, train_eval_gap))
    with_corruption(with_count(with_dataset(gap), 256))
    batch_help = "images that share their own statistics (default: %(default)s)"
    with_batch(gap, type=whole(2, 10_000), default=MINIBATCH, help=batch_help)
    size = _with_images(with_model(add(commands, batch_size)))
    with_layer(size, help="a BatchNorm layer (default: the first)")
    size.add_argument(
        "--draws",
        type=whole(1, 10_000),
        default=200,
        metavar="N",
        help="batches of each size (default: %(default)s)",
    )
    with_seed(size, help="of the draws")
    _with_images(with_model(add(commands, fold)))
    _with_numbers(add(commands, batchnorm_by_hand))


def _with_images(command: Command) -> Command:
    with_image(command, nargs="*", help="pictures that together are the batch")
    dataset_help = "take the batch from this dataset instead (digits, folder:PATH, ...)"
    with_dataset(command, required=False, help=dataset_help)
    return with_corruption(with_count(command, 64))


def _with_numbers(command: Command) -> Command:
    command.add_argument(
        "values", metavar="VALUES", help="as 2,6/10,11: two values of each of two channels"
    )
    for name, default, text in (
        ("gamma", 1.0, "scale"),
        ("beta", 0.0, "shift"),
        ("momentum", 0.1, "weight of this batch in the running averages"),
        ("bias", 0.0, "added before BatchNorm"),
    ):
        command.add_argument(
            f"--{name}",
            type=float,
            default=default,
            metavar="X",
            help=f"{text} (default: %(default)s)",
        )
    return command
